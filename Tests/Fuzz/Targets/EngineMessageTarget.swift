import Sessions

/// Input: an engine's message on its link.
enum EngineMessageTarget: FuzzTarget {
    static let name = "engine_message"

    static func run(_ input: [UInt8]) {
        do throws(InvalidEngineMessage) {
            let (message, ref) = try EngineMessage.parse(input.span)
            requireSame(message, known: input)
            requireWhole(message, ref, input)
            switch message {
            case .publish(let publish): requirePublish(publish, input)
            case .reply(let reply): requireReply(reply, input)
            case .serve, .release: break
            }
        } catch {
            requireFault(error, input)
        }
        // What narrow limits let pass, wide ones do alike.
        guard let tight = try? EngineMessage.parse(input.span, limits: small) else { return }
        requireEqual(tight.message, (try? EngineMessage.parse(input.span))?.message, "what narrow limits let pass, wide ones do alike")
        guard case .publish(let publish) = tight.message else { return }
        require(publish.events.count <= small.eventsMax, "a batch is within its limit")
        for event in publish.events { require(event.dataRange.count <= small.eventBytesMax, "an event is within its limit") }
    }

    private static let small = {
        var limits = EventLimits()
        limits.depthMax = 3
        limits.eventBytesMax = 80
        limits.eventsMax = 2
        return limits
    }()

    /// The session that was known from the message before changes nothing.
    private static func requireSame(_ message: EngineMessage, known input: [UInt8]) {
        guard let other = try? SessionID("another") else { fatalError("a session") }
        let session: SessionID? =
            switch message {
            case .publish(let publish): publish.session
            case .serve(let session), .release(let session): session
            case .reply: nil
            }
        for known in [other, session].compactMap(\.self) {
            requireEqual(
                (try? EngineMessage.parse(input.span, knownSession: known))?.message, message, "a session that is known changes nothing")
        }
    }

    /// Another reader finds the same operation, session and ref.
    private static func requireWhole(_ message: EngineMessage, _ ref: Range<Int>?, _ input: [UInt8]) {
        if let ref { requireRef(ref, input) }
        // Numbers that no Int64 or Double holds are let through as they are; other readers may refuse them.
        guard let value = try? JSON.parse(input.span) else { return requireDocument(input) }
        guard let object = value.objectValue else { fatalError("broken rule: a message is an object") }
        require(Set(object.keys).count == object.keys.count, "no member stands twice")
        requireEqual(object["ref"] == nil, ref == nil, "a ref is there as another reader finds it")
        let (op, session): (String, SessionID?) =
            switch message {
            case .publish(let publish): ("publish", publish.session)
            case .serve(let session): ("serve", session)
            case .release(let session): ("release", session)
            case .reply: ("reply", nil)
            }
        requireEqual(object["op"]?.stringValue, op, "the operation is as another reader finds it")
        requireEqual(object["session_id"]?.stringValue, session?.description, "the session is as another reader finds it")
    }

    /// An array of events may be one level deeper than they are.
    private static func requireDocument(_ text: [UInt8]) {
        do throws(JSONFault) {
            var scanner = JSONScanner()
            _ = try scanner.document(text.span)
        } catch {
            require(error.reason == .tooDeep, "an accepted message is a JSON document")
        }
    }

    /// It is repeated in the answer as it stands.
    private static func requireRef(_ ref: Range<Int>, _ input: [UInt8]) {
        require(ref.lowerBound >= 0 && ref.upperBound <= input.count, "a ref lies in the message")
        requireRef(input.slice(ref))
    }

    private static func requireRef(_ text: [UInt8]) {
        require((1...EngineMessage.refBytesMax).contains(text.count), "a ref has 1 to 130 bytes, with its quotes")
        do throws(JSONFault) {
            var scanner = JSONScanner()
            let value = try scanner.document(text.span)
            require(value.range == text.indices, "a ref is a value and nothing else")
            switch value.kind {
            case .string, .number: break
            default: fatalError("broken rule: a ref is a string or a number")
            }
        } catch { fatalError("broken rule: a ref is JSON, not \(error)") }
    }

    // MARK: Publishes

    /// What is published over the link is what the same bytes would be as the body of a request.
    private static func requirePublish(_ publish: EngineMessage.Publish, _ input: [UInt8]) {
        require(!publish.events.isEmpty && (publish.isBatch || publish.events.count == 1), "only a batch holds several events")
        require(publish.content.lowerBound > 0 && publish.content.upperBound < input.count, "the content lies in the message")
        requireBody(input.slice(publish.content), publish, input)
    }

    private static func requireBody(_ content: [UInt8], _ publish: EngineMessage.Publish, _ input: [UInt8]) {
        do throws(InvalidEvent) {
            let (events, isBatch) = try EventParser.parse(content.span, format: .json, limits: EventLimits())
            requireEqual(isBatch, publish.isBatch, "a batch is one as a body too")
            requireEqual(
                events.map { parts($0, content) }, publish.events.map { parts($0, input) },
                "the events are those of the same bytes as a body")
        } catch { fatalError("broken rule: what is published is good as a body, not \(error)") }
    }

    private static func parts(_ event: PublishedEvent, _ bytes: [UInt8]) -> [[UInt8]?] {
        [
            bytes.slice(event.typeRange), bytes.slice(event.dataRange), event.timestampRange.map(bytes.slice),
            event.keyRange.map(bytes.slice),
        ]
    }

    // MARK: Replies

    private static func requireReply(_ reply: EngineMessage.Reply, _ input: [UInt8]) {
        requireEqual(CommandID(Array(reply.commandID.description.utf8).span), reply.commandID, "a command's id reads back")
        switch reply.outcome {
        case .done(let members): requireMembers(members, input)
        case .failed(_, let message, let members):
            require(message.utf8.count <= EngineMessage.textBytesMax * 3, "an engine's words are bounded")
            requireMembers(members, input)
        }
    }

    /// They go into the acknowledgement behind the gateway's own `action` and `ref`, which stay the only ones.
    private static func requireMembers(_ members: [UInt8], _ input: [UInt8]) {
        require(members.count <= EngineMessage.dataBytesMax, "an engine's data is bounded")
        let separator = members.isEmpty ? [] : [UInt8(ascii: ",")]
        let answer = Array(#"{"action":"mine","ref":"mine""#.utf8) + separator + members + [UInt8(ascii: "}")]
        requireDocument(answer)
        guard let object = (try? JSON.parse(answer.span))?.objectValue else { return }
        for (name, value) in object.members where name == "action" || name == "ref" {
            requireEqual(value.stringValue, "mine", "the gateway's own members are its own")
        }
        guard let data = (try? JSON.parse(input.span))?.objectValue?["data"]?.objectValue else { return }
        requireEqual(
            object.members.dropFirst(2).map { [$0.key, $0.value.encoded] },
            data.members.filter { $0.key != "action" && $0.key != "ref" }.map { [$0.key, $0.value.encoded] },
            "the engine's data arrives whole, in its order")
    }

    // MARK: Faults

    private static let codes: Set<String> = [
        "INVALID_MESSAGE", "INVALID_JSON", "INVALID_EVENT", "INVALID_SESSION_ID", "RESERVED_TYPE", "EMPTY_BATCH", "EVENT_TOO_LARGE",
        "BATCH_TOO_LARGE",
    ]

    private static func requireFault(_ error: InvalidEngineMessage, _ input: [UInt8]) {
        require(codes.contains(error.code), "an error has one of the link's codes, not \(error.code)")
        require(!error.message.isEmpty && error.message.utf8.count < 1024, "an error's message is short")
        require(!error.message.utf8.contains { $0 < 0x20 }, "an error's message is clean")
        if let place = error.place {
            require((0...input.count).contains(place.offset), "an error is at a byte of the message, or at its end")
        }
        if let ref = error.ref { requireRef(ref, input) }
    }
}
