/// A text that is not JSON, and where it stops being so.
public struct InvalidJSON: Error, Sendable, Equatable, CustomStringConvertible {
    /// The path of the value in question, as `config.symbols[3]`; empty for the whole text.
    public let place: String

    /// The byte in question, from 0; the text's length when it ended too early.
    public let offset: Int

    /// What is wrong, in words for people.
    public let reason: String

    package init(_ fault: JSONFault, in text: Span<UInt8>) {
        place = JSONPlace.path(in: text, from: 0, to: fault.offset)
        offset = fault.offset
        reason = fault.reason.description
    }

    public var description: String {
        place.isEmpty ? "invalid JSON at byte \(offset): \(reason)" : "invalid JSON at \(place) (byte \(offset)): \(reason)"
    }
}
