/// How much one publish may carry. The body as a whole is bounded by the HTTP parser (1,048,576 bytes).
package struct EventLimits: Sendable, Equatable {
    /// Levels of arrays and objects in an event, its own braces included; 64 at most, by `JSONScanner.depthMax`.
    package var depthMax = JSONScanner.depthMax

    /// The bytes of one event in the body, from its first brace to its last.
    package var eventBytesMax = 524_288

    /// The events of one batch.
    package var eventsMax = 10_000

    package init() {}
}
