import Sessions

/// Input: a publish body, read as JSON and as NDJSON.
enum EventsTarget: FuzzTarget {
    static let name = "events"

    static func run(_ input: [UInt8]) {
        for format in [PublishFormat.json, .ndjson] {
            let parsed = parse(input, format)
            if let tight = parse(input, format, small) {
                requireEqual(tight.events, parsed?.events ?? [], "what narrow limits let pass, wide ones do alike")
                require(tight.events.count <= small.eventsMax, "a batch is within its limit")
                for event in tight.events { require(event.dataRange.count <= small.eventBytesMax, "an event is within its limit") }
            }
            guard let (events, isBatch) = parsed else { continue }
            require(!events.isEmpty && (isBatch || events.count == 1), "a body holds an event, and only a batch holds several")
            requireSame(events, in: input, twice: embedded(input, format, isBatch: isBatch), .json)
            if !isBatch && !input.contains(newline) { requireSame(events, in: input, twice: input + [newline] + input, .ndjson) }
            requireDocument(input, format)
            for (index, event) in events.enumerated() {
                requireSound(event, in: input)
                requireEncodes(event, of: input, sequence: UInt64(index) + 1)
            }
        }
    }

    private static let newline = UInt8(ascii: "\n")

    private static let small = {
        var limits = EventLimits()
        limits.depthMax = 3
        limits.eventBytesMax = 80
        limits.eventsMax = 2
        return limits
    }()

    private static func parse(
        _ body: [UInt8], _ format: PublishFormat, _ limits: EventLimits = EventLimits()
    ) -> (events: [PublishedEvent], isBatch: Bool)? {
        do throws(InvalidEvent) {
            return try EventParser.parse(body.span, format: format, limits: limits)
        } catch {
            require((0...body.count).contains(error.offset), "an error is at a byte of the body, or at its end")
            require(error.message.utf8.count < 512 && !error.message.hasControlCharactersButDelete, "an error's message is short and clean")
            require(error.status == 400 || error.status == 413, "an error is 400 or 413")
            return nil
        }
    }

    // MARK: One event

    private static func requireSound(_ event: PublishedEvent, in body: [UInt8]) {
        let type = body.slice(event.typeRange)
        require(EventType(rawValue: String(decoding: type, as: UTF8.self)) != nil, "a type is well formed and not reserved")
        requireEqual(event.metricIndex, EventType.metricIndex(of: type.span), "a type has its metric index")
        require(
            body.slice(event.dataRange).first == UInt8(ascii: "{") && body.slice(event.dataRange).last == UInt8(ascii: "}"),
            "data has its braces")
        for range in [event.typeRange, event.timestampRange, event.keyRange].compactMap(\.self) {
            require(
                body[range.lowerBound - 1] == UInt8(ascii: "\"") && body[range.upperBound] == UInt8(ascii: "\""),
                "a string stands between quotes")
        }
        let whole = event.dataRange
        for range in [event.typeRange, event.timestampRange, event.keyRange].compactMap(\.self) {
            require(!range.overlaps(whole), "parts do not overlap")
        }
        requireObject(body.slice(whole))
        if let key = event.keyRange {
            require((1...Event.keyBytesMax).contains(JSONText.decode(key, of: body.span).utf8.count), "a key has 1 to 256 bytes")
        }
        do throws(InvalidEvent) { _ = try Event(type: .candle, rawData: body.slice(whole)) } catch {
            fatalError("broken rule: published data is good as an event's raw data, not \(error)")
        }
    }

    private static func requireObject(_ data: [UInt8]) {
        do throws(JSONFault) {
            var scanner = JSONScanner()
            let value = try scanner.document(data.span)
            require(value.kind == .object && value.range == data.indices, "data is one object, and nothing else")
        } catch {
            fatalError("broken rule: data is JSON by itself, not \(error)")
        }
    }

    // MARK: The body

    private struct Parts: Equatable {
        let type: [UInt8]
        let data: [UInt8]
        let timestamp: [UInt8]?
        let key: [UInt8]?

        init(_ event: PublishedEvent, in body: [UInt8]) {
            type = body.slice(event.typeRange)
            data = body.slice(event.dataRange)
            timestamp = event.timestampRange.map(body.slice)
            key = event.keyRange.map(body.slice)
        }
    }

    /// The events of `body` twice, as one array.
    private static func embedded(_ body: [UInt8], _ format: PublishFormat, isBatch: Bool) -> [UInt8] {
        let inner: [UInt8]
        switch (format, isBatch) {
        case (.json, false): inner = body
        case (.json, true): inner = Array(body[(body.firstIndex(of: UInt8(ascii: "["))! + 1)..<body.lastIndex(of: UInt8(ascii: "]"))!])
        case (.ndjson, _):
            let lines = body.split(separator: newline).filter { !$0.allSatisfy { [0x20, 0x09, 0x0D].contains($0) } }
            inner = Array(lines.joined(separator: [UInt8(ascii: ",")]))
        }
        return [UInt8(ascii: "[")] + inner + [UInt8(ascii: ",")] + inner + [UInt8(ascii: "]")]
    }

    private static func requireSame(_ events: [PublishedEvent], in body: [UInt8], twice: [UInt8], _ format: PublishFormat) {
        var limits = EventLimits()
        limits.eventsMax *= 2
        do throws(InvalidEvent) {
            let (again, isBatch) = try EventParser.parse(twice.span, format: format, limits: limits)
            let parts = events.map { Parts($0, in: body) }
            require(isBatch, "an array and lines are a batch")
            requireEqual(again.map { Parts($0, in: twice) }, parts + parts, "events are the same twice, in an array or on lines")
        } catch {
            fatalError("broken rule: accepted events are accepted twice, in an array or on lines, not \(error)")
        }
    }

    /// What is accepted as JSON is JSON; an array may be one level deeper than the events in it.
    private static func requireDocument(_ body: [UInt8], _ format: PublishFormat) {
        guard format == .json else { return }
        do throws(JSONFault) {
            var scanner = JSONScanner()
            _ = try scanner.document(body.span)
        } catch {
            require(error.reason == .tooDeep, "an accepted body is a JSON document")
        }
    }

    // MARK: The message

    private static func requireEncodes(_ event: PublishedEvent, of body: [UInt8], sequence: UInt64) {
        let id = sequence % 4 == 3 ? nil : EventID(epoch: epoch, sequence: sequence << (sequence % 60))
        let (type, data) = (body.slice(event.typeRange), body.slice(event.dataRange))
        let now = Timestamp(microsecondsSince1970: 1_773_570_600_123_456)
        var message: [UInt8] = []
        if let timestamp = event.timestampRange {
            EventEncoder.append(
                id: id, type: type.span, data: data.span, timestamp: body.span.extracting(timestamp), to: &message)
        } else {
            EventEncoder.append(id: id, type: type.span, data: data.span, timestamp: now, to: &message)
        }
        let length = EventEncoder.encodedLength(
            id: id, typeBytes: type.count, dataBytes: data.count, timestampBytes: event.timestampRange?.count ?? Timestamp.iso8601Bytes)
        requireEqual(message.count, length, "a message has its computed length")
        requireEqual(
            members(message),
            (id.map { [["id"], ["\"\($0)\""]] } ?? []) + [
                ["type"], ["\"\(String(decoding: type, as: UTF8.self))\""], ["data"], [String(decoding: data, as: UTF8.self)],
                ["timestamp"],
                ["\"\(String(decoding: event.timestampRange.map(body.slice) ?? Array(now.iso8601.utf8), as: UTF8.self))\""],
            ],
            "a message has its members, and the publisher's bytes in them")
        do throws(InvalidJSON) { _ = try JSON.parse(message.span) } catch {
            let isRange = error.reason == JSONFault.Reason.numberOutOfRange.description
            require(isRange, "a message is JSON, not \(error)")
        }
    }

    private static let epoch = {
        guard let epoch = try? Epoch(parsing: "0a1b2c3d4e5f6") else { fatalError("an epoch") }
        return epoch
    }()

    /// Keys and values of one object, as they stand.
    private static func members(_ object: [UInt8]) -> [[String]] {
        do throws(JSONFault) {
            var scanner = JSONScanner()
            let whole = try scanner.document(object.span)
            require(whole.kind == .object && whole.range == object.indices, "a message is one object")
            scanner = JSONScanner(at: 1)
            var members: [[String]] = []
            while let (key, value) = try scanner.nextMember(object.span, isFirst: members.isEmpty) {
                members.append([String(decoding: object.slice(key.contents), as: UTF8.self)])
                members.append([String(decoding: object.slice(value.range), as: UTF8.self)])
            }
            return members
        } catch {
            fatalError("broken rule: a message is a JSON document, not \(error)")
        }
    }
}

extension String {
    /// JSON lets U+007F stand in a string, and so in the key an error names.
    fileprivate var hasControlCharactersButDelete: Bool { utf8.contains { $0 < 0x20 } }
}
