/// One event as an engine published it, found in the body's bytes and not copied.
package struct PublishedEvent: Sendable, Equatable {
    /// The type, without its quotes. It has no escapes.
    package let typeRange: Range<Int>

    /// `EventType.metricIndex` of the type.
    package let metricIndex: Int

    /// The data object, from its first brace to its last.
    package let dataRange: Range<Int>

    /// The engine's own timestamp without its quotes: still escaped, so it may be spliced into another JSON text as it is.
    package let timestampRange: Range<Int>?

    /// The conflation key without its quotes, still escaped. `JSONText.decode` tells what it stands for.
    package let keyRange: Range<Int>?

    package init(
        typeRange: Range<Int>, metricIndex: Int, dataRange: Range<Int>, timestampRange: Range<Int>? = nil, keyRange: Range<Int>? = nil
    ) {
        self.typeRange = typeRange
        self.metricIndex = metricIndex
        self.dataRange = dataRange
        self.timestampRange = timestampRange
        self.keyRange = keyRange
    }
}
