/// Reads one published event at a time and holds it to the protocol's rules.
///
/// Flow: JSONScanner → **EventReader** → EventParser
struct EventReader {
    var scanner: JSONScanner
    private let limits: EventLimits

    init(limits: EventLimits) {
        scanner = JSONScanner()
        self.limits = limits
    }

    /// The event at the scanner's position. A value that is no object breaks `rule`.
    mutating func event(_ body: Span<UInt8>, else rule: EventRule) throws(EventFault) -> PublishedEvent {
        let start = scanner.position
        guard scanner.peek(body) == UInt8(ascii: "{") else {
            // What is not even JSON is told so first.
            try wholeValue(body)
            throw .rule(rule, offset: start)
        }
        guard limits.depthMax > 0 else { throw .syntax(JSONFault(reason: .tooDeep, offset: start)) }
        scanner.position += 1
        var parts = EventParts()
        var isFirst = true
        while let (key, value) = try member(body, isFirst: isFirst) {
            isFirst = false
            try parts.take(key, value, body)
        }
        guard scanner.position - start <= limits.eventBytesMax else { throw .rule(.eventFits, offset: start) }
        return try parts.event(body, startingAt: start)
    }

    mutating func hasNextElement(_ body: Span<UInt8>, isFirst: Bool) throws(EventFault) -> Bool {
        do throws(JSONFault) {
            guard try scanner.nextElement(body, isFirst: isFirst) else { return false }
            scanner.skipWhitespace(body)
            return true
        } catch { throw .syntax(error) }
    }

    mutating func end(_ body: Span<UInt8>) throws(EventFault) {
        do throws(JSONFault) { try scanner.end(body) } catch { throw .syntax(error) }
    }

    @inline(__always)
    private mutating func member(_ body: Span<UInt8>, isFirst: Bool) throws(EventFault) -> (JSONStringToken, JSONValueToken)? {
        do throws(JSONFault) {
            return try scanner.nextMember(body, isFirst: isFirst, depthMax: limits.depthMax - 1)
        } catch { throw .syntax(error) }
    }

    private mutating func wholeValue(_ body: Span<UInt8>) throws(EventFault) {
        do throws(JSONFault) { _ = try scanner.value(body) } catch { throw .syntax(error) }
    }
}

/// The members of one event that were found so far.
private struct EventParts {
    private var typeRange: Range<Int>?
    private var dataRange: Range<Int>?
    private var timestampRange: Range<Int>?
    private var keyRange: Range<Int>?

    /// Inlined, as is `member` and what they call: no part of an event goes through memory on its way here.
    @inline(__always)
    mutating func take(_ key: JSONStringToken, _ value: JSONValueToken, _ body: Span<UInt8>) throws(EventFault) {
        let offset = value.range.lowerBound
        switch EventMember(body.extracting(key.contents)) {
        case .type:
            try checkUnique(typeRange, key)
            guard case .string(let string) = value.kind else { throw .rule(.typeIsString, offset: offset) }
            guard EventType.isWellFormed(body, string.contents) else { throw .rule(.typeIsWellFormed, offset: offset) }
            guard !EventType.isReserved(body.extracting(string.contents)) else { throw .rule(.typeIsNotReserved, offset: offset) }
            typeRange = string.contents
        case .data:
            try checkUnique(dataRange, key)
            guard case .object = value.kind else { throw .rule(.dataIsObject, offset: offset) }
            dataRange = value.range
        case .timestamp:
            try checkUnique(timestampRange, key)
            guard case .string(let string) = value.kind else { throw .rule(.timestampIsString, offset: offset) }
            timestampRange = string.contents
        case .key:
            try checkUnique(keyRange, key)
            guard case .string(let string) = value.kind else { throw .rule(.conflationKeyIsString, offset: offset) }
            guard Self.hasKeyLength(string, body) else { throw .rule(.conflationKeyLength, offset: offset) }
            keyRange = string.contents
        case .id: throw Self.rule(.idIsTheGateways, key)
        case nil: throw Self.rule(key.hasEscapes ? .keyIsUnescaped : .keyIsKnown, key)
        }
    }

    @inline(__always)
    func event(_ body: Span<UInt8>, startingAt start: Int) throws(EventFault) -> PublishedEvent {
        guard let typeRange else { throw .rule(.typeIsPresent, offset: start) }
        guard let dataRange else { throw .rule(.dataIsPresent, offset: start) }
        return PublishedEvent(
            typeRange: typeRange, metricIndex: EventType.metricIndex(of: body.extracting(typeRange)), dataRange: dataRange,
            timestampRange: timestampRange, keyRange: keyRange)
    }

    private func checkUnique(_ found: Range<Int>?, _ key: JSONStringToken) throws(EventFault) {
        if found != nil { throw Self.rule(.keyIsUnique, key) }
    }

    /// Counts what the key stands for, so that one key has one length however its publisher escapes.
    private static func hasKeyLength(_ string: JSONStringToken, _ body: Span<UInt8>) -> Bool {
        let count = string.hasEscapes ? JSONText.decode(string.contents, of: body).utf8.count : string.contents.count
        return count >= 1 && count <= Event.keyBytesMax
    }

    private static func rule(_ rule: EventRule, _ key: JSONStringToken) -> EventFault {
        .rule(rule, offset: key.contents.lowerBound - 1, key: key.contents)
    }
}

/// The keys the protocol knows. Lengths tell them apart but for two, so that most members cost one comparison.
private enum EventMember {
    case type, data, timestamp, key, id

    @inline(__always)
    init?(_ name: Span<UInt8>) {
        switch name.count {
        case 2 where name.isEqual(to: "id"): self = .id
        case 3 where name.isEqual(to: "key"): self = .key
        case 4 where name.isEqual(to: "type"): self = .type
        case 4 where name.isEqual(to: "data"): self = .data
        case 9 where name.isEqual(to: "timestamp"): self = .timestamp
        default: return nil
        }
    }
}
