import Sessions

/// Input: a client's text message.
enum ClientCommandTarget: FuzzTarget {
    static let name = "client_command"

    static func run(_ input: [UInt8]) {
        do throws(InvalidCommand) {
            let command = try ClientCommand.parse(input.span)
            require((1...ClientCommand.actionBytesMax).contains(command.action.utf8.count), "an action has 1 to 64 bytes")
            require(!command.action.utf8.contains { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }, "an action is in lower case")
            require(command.ref.map { (1...ClientCommand.refBytesMax).contains($0.utf8.count) } ?? true, "a ref has 1 to 128 bytes")
            requireSameForOthers(command, input)
            requireReadsBack(command)
        } catch {
            require(["INVALID_MESSAGE", "INVALID_COMMAND"].contains(error.code), "an error has one of two codes")
            require(error.message.utf8.count < 512 && !error.message.utf8.contains { $0 < 0x20 }, "an error's message is short and clean")
            requireFault(error, input)
        }
    }

    /// Whoever reads the whole object finds the same action: the gateway allowed what the engine will do.
    private static func requireSameForOthers(_ command: ClientCommand, _ message: [UInt8]) {
        guard let value = try? JSON.parse(message.span) else { return }
        guard let object = value.objectValue, let action = object["action"]?.stringValue else {
            fatalError("broken rule: a command is an object with an action")
        }
        requireEqual(Array(lowercased(action).utf8), Array(command.action.utf8), "an engine finds the action that was allowed")
        requireEqual(object["ref"]?.stringValue.map { Array($0.utf8) }, command.ref.map { Array($0.utf8) }, "an engine finds the same ref")
        require(object.keys.filter { $0 == "action" }.count == 1, "an action stands once")
    }

    private static func requireReadsBack(_ command: ClientCommand) {
        var object: JSONObject = ["action": .string(command.action)]
        object["ref"] = command.ref.map { .string($0) }
        guard let again = try? ClientCommand.parse(Array(object.encoded.utf8).span) else {
            fatalError("broken rule: a command reads back")
        }
        require(Array(again.action.utf8) == Array(command.action.utf8) && again.ref == command.ref, "a command reads back the same")
    }

    private static func requireFault(_ error: InvalidCommand, _ message: [UInt8]) {
        guard let value = try? JSON.parse(message.span), message.count <= ClientCommand.messageBytesMax else { return }
        let action = value.objectValue?["action"]
        let names = value.objectValue?.keys ?? []
        switch error {
        case .tooLong, .notJSON: fatalError("broken rule: a short JSON text is not refused as \(error)")
        case .notAnObject: require(value.objectValue == nil, "only what is no object is refused as none")
        case .noAction: require(action == nil, "only a command without action is refused as such")
        case .malformedAction:
            require(
                action?.stringValue.map { $0.isEmpty || $0.utf8.count > ClientCommand.actionBytesMax } ?? true,
                "a good action is not refused")
        case .malformedRef:
            let ref = value.objectValue?["ref"]?.stringValue
            require(ref.map { $0.isEmpty || $0.utf8.count > ClientCommand.refBytesMax } ?? true, "a good ref is not refused")
        case .memberTwice(let name): require(names.filter { $0 == name }.count > 1, "only what stands twice is refused as such")
        }
    }

    private static func lowercased(_ text: String) -> String {
        String(decoding: text.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 + 32 : $0 }, as: UTF8.self)
    }
}
