/// What is wrong in a publish body, as the parser finds it; `InvalidEvent` tells people, and works out the place.
enum EventFault: Error, Sendable, Equatable {
    case syntax(JSONFault)

    /// `offset` is the byte of the event or value that breaks the rule, or of `key` where the key itself does.
    case rule(EventRule, offset: Int, key: Range<Int>? = nil)
}
