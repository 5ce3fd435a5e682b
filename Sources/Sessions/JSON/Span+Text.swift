extension Span<UInt8> {
    /// Whether the bytes are those of `text`.
    func isEqual(toText text: String) -> Bool {
        let other = text.utf8
        guard other.count == count else { return false }
        let bytes = other.span
        for index in indices where self[index] != bytes[index] { return false }
        return true
    }

    /// Whether the bytes are those of `text`.
    func isEqual(to text: StaticString) -> Bool {
        guard text.utf8CodeUnitCount == count else { return false }
        return text.withUTF8Buffer { text in
            for index in indices where self[index] != (unsafe text[index]) { return false }
            return true
        }
    }
}
