/// What a response consists of, in order.
package enum ResponseElement: Sendable {
    case head(ResponseHead)
    /// The whole content; ends every response whose head `hasBody`.
    case body([UInt8])
}
