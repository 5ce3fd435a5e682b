/// A checked string where it stands in the text.
package struct JSONStringToken: Sendable, Equatable {
    /// The bytes between the quotes, still escaped.
    package let contents: Range<Int>

    package let hasEscapes: Bool
}

/// A checked value where it stands in the text.
package struct JSONValueToken: Sendable, Equatable {
    package let kind: Kind

    /// From the value's first byte to its last: with the quotes or brackets, without the whitespace around.
    package let range: Range<Int>

    package enum Kind: Sendable, Equatable {
        case null
        case bool
        case number
        case string(JSONStringToken)
        case array
        case object
    }
}
