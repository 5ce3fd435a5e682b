/// Checks a whole publish body, strictly, and says where each event's parts stand in it. Nothing is copied.
///
/// Flow: HTTP body → **EventParser** → PublishedEvent → EventEncoder
package enum EventParser {
    /// Every event of `body` in order, or the first error: a refused batch publishes nothing.
    /// - Returns: `isBatch` says whether the body is an array or NDJSON, whose answers are sums, even with one event in it.
    package static func parse(
        _ body: Span<UInt8>, format: PublishFormat, limits: EventLimits = EventLimits()
    ) throws(InvalidEvent) -> (events: [PublishedEvent], isBatch: Bool) {
        do throws(EventFault) {
            switch format {
            case .json: return try json(body, limits)
            case .ndjson: return (try lines(body, limits), true)
            }
        } catch {
            throw InvalidEvent(error, in: body, format: format)
        }
    }

    /// The event of a JSON body that is one and right; nil for any other: ``parse(_:format:limits:)`` says what that is.
    package static func single(_ body: Span<UInt8>, limits: EventLimits = EventLimits()) -> PublishedEvent? {
        do throws(EventFault) {
            var reader = EventReader(limits: limits)
            reader.scanner.skipWhitespace(body)
            guard reader.scanner.peek(body) == UInt8(ascii: "{") else { return nil }
            let event = try reader.event(body, else: .bodyIsEventOrArray)
            try reader.end(body)
            return event
        } catch {
            return nil
        }
    }

    private static func json(_ body: Span<UInt8>, _ limits: EventLimits) throws(EventFault) -> (events: [PublishedEvent], isBatch: Bool) {
        var reader = EventReader(limits: limits)
        reader.scanner.skipWhitespace(body)
        let isBatch = reader.scanner.peek(body) == UInt8(ascii: "[")
        let events = isBatch ? try array(body, &reader, limits) : [try reader.event(body, else: .bodyIsEventOrArray)]
        try reader.end(body)
        return (events, isBatch)
    }

    static func array(_ body: Span<UInt8>, _ reader: inout EventReader, _ limits: EventLimits) throws(EventFault)
        -> [PublishedEvent]
    {
        let start = reader.scanner.position
        var events: [PublishedEvent] = []
        reader.scanner.position += 1
        while try reader.hasNextElement(body, isFirst: events.isEmpty) {
            try append(reader.event(body, else: .eventIsObject), to: &events, at: reader.scanner.position, limits)
        }
        guard !events.isEmpty else { throw .rule(.batchIsNotEmpty, offset: start) }
        return events
    }

    private static func lines(_ body: Span<UInt8>, _ limits: EventLimits) throws(EventFault) -> [PublishedEvent] {
        var events: [PublishedEvent] = []
        var reader = EventReader(limits: limits)
        var lineStart = 0
        while lineStart < body.count {
            let lineEnd = endOfLine(body, from: lineStart)
            // All of the body up to the line's end: offsets stay the body's. A \r before the \n is whitespace to JSON.
            let line = body.extracting(..<lineEnd)
            reader.scanner.position = lineStart
            reader.scanner.skipWhitespace(line)
            if reader.scanner.position < lineEnd {
                try append(reader.event(line, else: .eventIsObject), to: &events, at: reader.scanner.position, limits)
                try reader.end(line)
            }
            lineStart = lineEnd + 1
        }
        guard !events.isEmpty else { throw .rule(.batchIsNotEmpty, offset: 0) }
        return events
    }

    private static func append(
        _ event: PublishedEvent, to events: inout [PublishedEvent], at offset: Int, _ limits: EventLimits
    ) throws(EventFault) {
        guard events.count < limits.eventsMax else { throw .rule(.batchFits, offset: offset) }
        events.append(event)
    }

    private static func endOfLine(_ body: Span<UInt8>, from start: Int) -> Int {
        var end = start
        while end < body.count, body[end] != UInt8(ascii: "\n") { end += 1 }
        return end
    }
}
