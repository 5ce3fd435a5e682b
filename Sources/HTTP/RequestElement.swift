/// What a request consists of, in order.
package enum RequestElement: Sendable {
    case head(RequestHead)
    /// The whole content; ends every request whose head `hasBody`, also when chunks add up to nothing.
    case body([UInt8])
}
