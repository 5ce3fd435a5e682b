/// Reads one message of an engine, and holds it to the link's rules. Publishes are the hot path: their event is checked where it stands, once.
struct EngineMessageReader {
    private enum Member: String {
        case op, ref, event, events, key, data, ok, message
        case session = "session_id"
        case command = "command_id"
        case errorCode = "error_code"

        /// Lengths tell most of them apart: a publish names four or five.
        init?(_ name: Span<UInt8>) {
            switch name.count {
            case 2 where name.isEqual(to: "op"): self = .op
            case 2 where name.isEqual(to: "ok"): self = .ok
            case 3 where name.isEqual(to: "ref"): self = .ref
            case 3 where name.isEqual(to: "key"): self = .key
            case 4 where name.isEqual(to: "data"): self = .data
            case 5 where name.isEqual(to: "event"): self = .event
            case 6 where name.isEqual(to: "events"): self = .events
            case 7 where name.isEqual(to: "message"): self = .message
            case 10 where name.isEqual(to: "session_id"): self = .session
            case 10 where name.isEqual(to: "command_id"): self = .command
            case 10 where name.isEqual(to: "error_code"): self = .errorCode
            default: return nil
            }
        }
    }

    private let limits: EventLimits
    private var op: JSONValueToken?
    private var refToken: JSONValueToken?
    private var session: JSONValueToken?
    private var key: JSONValueToken?
    private var command: JSONValueToken?
    private var ok: JSONValueToken?
    private var data: JSONValueToken?
    private var errorCode: JSONValueToken?
    private var text: JSONValueToken?
    private var published: (events: [PublishedEvent], isBatch: Bool, content: Range<Int>)?

    init(limits: EventLimits) { self.limits = limits }

    var ref: Range<Int>? { refToken?.range }

    // MARK: The members

    mutating func read(_ bytes: Span<UInt8>) throws(EngineMessageFault) {
        var scanner = JSONScanner()
        scanner.skipWhitespace(bytes)
        guard scanner.peek(bytes) == UInt8(ascii: "{") else {
            _ = try Self.value(bytes, &scanner)
            try Self.end(bytes, &scanner)
            throw .rule(.isObject)
        }
        scanner.position += 1
        var isFirst = true
        while let name = try Self.nextKey(bytes, &scanner, isFirst: isFirst) {
            isFirst = false
            guard let member = Member(bytes.extracting(name.contents)) else { throw .rule(.memberIsKnown) }
            try readValue(of: member, bytes, &scanner)
        }
        try Self.end(bytes, &scanner)
    }

    private mutating func readValue(of member: Member, _ bytes: Span<UInt8>, _ scanner: inout JSONScanner) throws(EngineMessageFault) {
        switch member {
        case .event, .events:
            guard published == nil else { throw .rule(.memberStandsOnce("event")) }
            published = try events(bytes, &scanner, isBatch: member == .events)
        case .op: try Self.take(&op, member, bytes, &scanner)
        case .session: try Self.take(&session, member, bytes, &scanner)
        case .key: try Self.take(&key, member, bytes, &scanner)
        case .command: try Self.take(&command, member, bytes, &scanner)
        case .ok: try Self.take(&ok, member, bytes, &scanner)
        case .data: try Self.take(&data, member, bytes, &scanner)
        case .errorCode: try Self.take(&errorCode, member, bytes, &scanner)
        case .message: try Self.take(&text, member, bytes, &scanner)
        case .ref:
            var ref: JSONValueToken?
            if refToken != nil { throw .rule(.memberStandsOnce("ref")) }
            try Self.take(&ref, member, bytes, &scanner)
            guard let ref, EngineMessage.isRef(ref) else { throw .rule(.memberIs("ref", "a string of 1 to 128 bytes, or a number")) }
            refToken = ref
        }
    }

    private static func take(_ place: inout JSONValueToken?, _ member: Member, _ bytes: Span<UInt8>, _ scanner: inout JSONScanner)
        throws(EngineMessageFault)
    {
        guard place == nil else { throw .rule(.memberStandsOnce(member.rawValue)) }
        place = try value(bytes, &scanner)
    }

    private func events(_ bytes: Span<UInt8>, _ scanner: inout JSONScanner, isBatch: Bool) throws(EngineMessageFault)
        -> (events: [PublishedEvent], isBatch: Bool, content: Range<Int>)
    {
        var reader = EventReader(limits: limits)
        scanner.skipWhitespace(bytes)
        reader.scanner = scanner
        let start = scanner.position
        do throws(EventFault) {
            let events: [PublishedEvent]
            if isBatch {
                guard reader.scanner.peek(bytes) == UInt8(ascii: "[") else {
                    _ = try reader.event(bytes, else: .eventIsObject)
                    throw .rule(.bodyIsEventOrArray, offset: start)
                }
                events = try EventParser.array(bytes, &reader, limits)
            } else {
                events = [try reader.event(bytes, else: .eventIsObject)]
            }
            scanner = reader.scanner
            return (events, isBatch, start..<scanner.position)
        } catch { throw .event(error) }
    }

    // MARK: Scanning

    private static func value(_ bytes: Span<UInt8>, _ scanner: inout JSONScanner) throws(EngineMessageFault) -> JSONValueToken {
        do throws(JSONFault) {
            return try scanner.value(bytes, depthMax: JSONScanner.depthMax - 1)
        } catch { throw .event(.syntax(error)) }
    }

    private static func nextKey(_ bytes: Span<UInt8>, _ scanner: inout JSONScanner, isFirst: Bool) throws(EngineMessageFault)
        -> JSONStringToken?
    {
        do throws(JSONFault) {
            return try scanner.nextKey(bytes, isFirst: isFirst)
        } catch { throw .event(.syntax(error)) }
    }

    private static func end(_ bytes: Span<UInt8>, _ scanner: inout JSONScanner) throws(EngineMessageFault) {
        do throws(JSONFault) { try scanner.end(bytes) } catch { throw .event(.syntax(error)) }
    }

    // MARK: What they say

    func message(_ bytes: Span<UInt8>, _ knownSession: SessionID?) throws(EngineMessageFault) -> EngineMessage {
        guard let op else { throw .rule(.memberIsMissing("op")) }
        guard case .string(let word) = op.kind else { throw .rule(.opIsKnown) }
        let name = bytes.extracting(word.contents)
        if name.isEqual(to: "publish") { return .publish(try publish(bytes, knownSession)) }
        if name.isEqual(to: "reply") { return .reply(try reply(bytes)) }
        let isServe = name.isEqual(to: "serve")
        guard isServe || name.isEqual(to: "release") else { throw .rule(.opIsKnown) }
        try exclude([("key", key), ("command_id", command), ("ok", ok), ("data", data), ("error_code", errorCode), ("message", text)])
        guard published == nil else { throw .rule(.memberBelongsNotHere("event")) }
        let id = try sessionID(bytes, knownSession)
        return isServe ? .serve(id) : .release(id)
    }

    private func exclude(_ members: [(String, JSONValueToken?)]) throws(EngineMessageFault) {
        for (name, value) in members where value != nil { throw .rule(.memberBelongsNotHere(name)) }
    }

    private func sessionID(_ bytes: Span<UInt8>, _ known: SessionID?) throws(EngineMessageFault) -> SessionID {
        guard let session else { throw .rule(.memberIsMissing("session_id")) }
        guard case .string(let string) = session.kind else { throw .rule(.memberIs("session_id", "a string")) }
        let name = bytes.extracting(string.contents)
        // An engine publishes to few sessions, one after another: the name it said last costs nothing.
        if let known, name.isEqual(toText: known.description) { return known }
        do throws(SessionIDError) { return try SessionID(bytes: name) } catch { throw .session(error) }
    }

    private func publish(_ bytes: Span<UInt8>, _ knownSession: SessionID?) throws(EngineMessageFault) -> EngineMessage.Publish {
        if command != nil || ok != nil || data != nil || errorCode != nil || text != nil {
            try exclude([("command_id", command), ("ok", ok), ("data", data), ("error_code", errorCode), ("message", text)])
        }
        guard let published else { throw .rule(.memberIsMissing("event")) }
        var keyText: String?
        if let key {
            guard case .string(let string) = key.kind else { throw .rule(.memberIs("key", "a string")) }
            keyText = JSONText.decode(string.contents, of: bytes)
        }
        return EngineMessage.Publish(
            session: try sessionID(bytes, knownSession), events: published.events, isBatch: published.isBatch, content: published.content,
            key: keyText)
    }

    private func reply(_ bytes: Span<UInt8>) throws(EngineMessageFault) -> EngineMessage.Reply {
        try exclude([("session_id", session), ("key", key)])
        guard published == nil else { throw .rule(.memberBelongsNotHere("event")) }
        guard let command else { throw .rule(.memberIsMissing("command_id")) }
        guard case .string(let string) = command.kind, let id = CommandID(bytes.extracting(string.contents)) else {
            throw .rule(.memberIs("command_id", "the one of a command"))
        }
        guard let ok else { throw .rule(.memberIsMissing("ok")) }
        guard ok.kind == .bool else { throw .rule(.memberIs("ok", "true or false")) }
        let members = try self.members(bytes)
        if bytes[ok.range.lowerBound] == UInt8(ascii: "t") {
            try exclude([("error_code", errorCode), ("message", text)])
            return EngineMessage.Reply(commandID: id, outcome: .done(members: members))
        }
        return EngineMessage.Reply(commandID: id, outcome: .failed(code: try code(bytes), message: try words(bytes), members: members))
    }

    private func code(_ bytes: Span<UInt8>) throws(EngineMessageFault) -> EngineMessage.FailureCode {
        guard let errorCode else { return .commandFailed }
        if case .string(let string) = errorCode.kind {
            for code in EngineMessage.FailureCode.allCases where bytes.extracting(string.contents).isEqual(toText: code.rawValue) {
                return code
            }
        }
        let known = EngineMessage.FailureCode.allCases.map(\.rawValue).joined(separator: ", ")
        throw .rule(.memberIs("error_code", "one of \(known)"))
    }

    private func words(_ bytes: Span<UInt8>) throws(EngineMessageFault) -> String {
        guard let text else { return "the engine did not carry it out" }
        guard case .string(let string) = text.kind, string.contents.count <= EngineMessage.textBytesMax else {
            throw .rule(.memberIs("message", "a string of at most \(EngineMessage.textBytesMax) bytes"))
        }
        return JSONText.decode(string.contents, of: bytes)
    }

    /// The data's members as they are written, joined by commas: `action` and `ref` are left out, which are the gateway's to say.
    private func members(_ bytes: Span<UInt8>) throws(EngineMessageFault) -> [UInt8] {
        guard let data else { return [] }
        guard data.kind == .object, data.range.count <= EngineMessage.dataBytesMax else {
            throw .rule(.memberIs("data", "an object of at most \(EngineMessage.dataBytesMax) bytes"))
        }
        var members: [UInt8] = []
        var scanner = JSONScanner(at: data.range.lowerBound + 1)
        var isFirst = true
        while let name = try Self.nextKey(bytes, &scanner, isFirst: isFirst) {
            isFirst = false
            let value = try Self.value(bytes, &scanner)
            let key = name.hasEscapes ? JSONText.decode(name.contents, of: bytes) : nil
            if key == "action" || key == "ref" { continue }
            let plain = bytes.extracting(name.contents)
            if plain.isEqual(to: "action") || plain.isEqual(to: "ref") { continue }
            if !members.isEmpty { members.append(UInt8(ascii: ",")) }
            members.append(copying: bytes.extracting(name.contents.lowerBound - 1..<value.range.upperBound))
        }
        return members
    }
}
