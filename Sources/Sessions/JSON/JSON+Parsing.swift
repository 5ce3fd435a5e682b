extension JSON {
    /// Reads one JSON text, strictly by RFC 8259, nested at most 64 levels.
    ///
    /// Integers that fit become ``int(_:)``, all other numbers ``double(_:)``. A lone surrogate escape becomes U+FFFD.
    /// - Throws: ``InvalidJSON``, also for a number beyond the range of a double.
    public static func parse(_ bytes: Span<UInt8>) throws(InvalidJSON) -> JSON {
        do throws(JSONFault) {
            var reader = JSONReader()
            return try reader.document(bytes)
        } catch {
            throw InvalidJSON(error, in: bytes)
        }
    }

    /// As ``parse(_:)-(Span<UInt8>)``.
    public static func parse(_ text: String) throws(InvalidJSON) -> JSON {
        try parse(text.utf8.span)
    }
}
