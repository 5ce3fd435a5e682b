/// What a client asks of its session's engine: the parts the gateway itself needs. The client's object reaches the engine untouched.
///
/// Flow: WebSocket message → **ClientCommand** → the engine link
package struct ClientCommand: Sendable, Equatable {
    package static let messageBytesMax = 65_536
    package static let actionBytesMax = 64
    package static let refBytesMax = 128

    /// 1 to 64 bytes, ASCII letters in lower case.
    package let action: String

    /// 1 to 128 bytes: the client's own name for this command, under which it is executed once.
    package let ref: String?

    package static func parse(_ message: Span<UInt8>) throws(InvalidCommand) -> ClientCommand {
        guard message.count <= messageBytesMax else { throw .tooLong }
        let object = try checkedObject(message)
        var members = Members()
        var scanner = JSONScanner(at: object.lowerBound + 1)
        var isFirst = true
        while let (key, value) = try member(&scanner, message, isFirst: isFirst) {
            isFirst = false
            try members.take(key, value, message)
        }
        return try members.command(message)
    }

    /// A message that is not JSON is told so before any of its members is judged.
    private static func checkedObject(_ message: Span<UInt8>) throws(InvalidCommand) -> Range<Int> {
        let value: JSONValueToken
        do throws(JSONFault) {
            var scanner = JSONScanner()
            value = try scanner.document(message)
        } catch { throw .notJSON(InvalidJSON(error, in: message)) }
        guard value.kind == .object else { throw .notAnObject }
        return value.range
    }

    private static func member(
        _ scanner: inout JSONScanner, _ message: Span<UInt8>, isFirst: Bool
    ) throws(InvalidCommand) -> (JSONStringToken, JSONValueToken)? {
        do throws(JSONFault) {
            return try scanner.nextMember(message, isFirst: isFirst)
        } catch { throw .notJSON(InvalidJSON(error, in: message)) }
    }
}

/// The members of a command that the gateway reads.
private struct Members {
    private var action: JSONValueToken?
    private var ref: JSONValueToken?

    /// Keys are compared unescaped, and `action` and `ref` must stand once: an engine that reads the object itself, by
    /// another rule, shall not see another action than the one the gateway allowed.
    mutating func take(_ key: JSONStringToken, _ value: JSONValueToken, _ message: Span<UInt8>) throws(InvalidCommand) {
        switch name(key, message) {
        case "action":
            guard action == nil else { throw .memberTwice("action") }
            action = value
        case "ref":
            guard ref == nil else { throw .memberTwice("ref") }
            ref = value
        default: break
        }
    }

    /// nil for the names that are neither, which are not worth a String each: a message may have thousands.
    private func name(_ key: JSONStringToken, _ message: Span<UInt8>) -> String? {
        guard key.hasEscapes || key.contents.count == 6 || key.contents.count == 3 else { return nil }
        return JSONText.decode(key.contents, of: message)
    }

    func command(_ message: Span<UInt8>) throws(InvalidCommand) -> ClientCommand {
        guard let action else { throw .noAction }
        guard let action = text(action, message, bytesMax: ClientCommand.actionBytesMax) else { throw .malformedAction }
        var command = ClientCommand(action: lowercasedASCII(action), ref: nil)
        if let ref {
            guard let ref = text(ref, message, bytesMax: ClientCommand.refBytesMax) else { throw .malformedRef }
            command = ClientCommand(action: command.action, ref: ref)
        }
        return command
    }

    /// A string of 1 to `bytesMax` bytes, once unescaped.
    private func text(_ value: JSONValueToken, _ message: Span<UInt8>, bytesMax: Int) -> String? {
        guard case .string(let string) = value.kind else { return nil }
        let text = JSONText.decode(string.contents, of: message)
        return text.isEmpty || text.utf8.count > bytesMax ? nil : text
    }

    /// Only ASCII has one lower case that every language agrees on.
    private func lowercasedASCII(_ text: String) -> String {
        let bytes = text.utf8.map { $0 &- UInt8(ascii: "A") < 26 ? $0 | 0x20 : $0 }
        return String(decoding: bytes, as: UTF8.self)
    }
}
