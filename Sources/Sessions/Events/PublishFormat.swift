/// How a publish body is written.
package enum PublishFormat: Sendable {
    /// `application/json`: one event, or an array of them.
    case json

    /// `application/x-ndjson`: one event a line.
    case ndjson
}
