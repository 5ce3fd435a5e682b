/// What an engine says on its link, checked whole, with what belongs to the message's bytes as ranges of them.
///
/// Flow: WebSocket message → **EngineMessage** → EngineConnection
package enum EngineMessage: Sendable, Equatable {
    case publish(Publish)
    /// The engine answers the session's commands from now on.
    case serve(SessionID)
    /// It does so no more.
    case release(SessionID)
    case reply(Reply)

    package struct Publish: Sendable, Equatable {
        package let session: SessionID
        package let events: [PublishedEvent]
        /// `events`, an array; false: `event`.
        package let isBatch: Bool
        /// The event or the array, from its first bracket to its last.
        package let content: Range<Int>
        /// As an `Idempotency-Key`; not yet held to its rules.
        package let key: String?
    }

    package struct Reply: Sendable, Equatable {
        package let commandID: CommandID
        package let outcome: Outcome

        package enum Outcome: Sendable, Equatable {
            /// The members of the engine's data, without braces and without those that are the gateway's.
            case done(members: [UInt8])
            case failed(code: FailureCode, message: String, members: [UInt8])
        }
    }

    /// The engine's words for a command that it did not carry out.
    package enum FailureCode: String, Sendable, CaseIterable {
        case commandFailed = "COMMAND_FAILED"
        case unknownCommand = "UNKNOWN_COMMAND"
        case invalidCommand = "INVALID_COMMAND"
        case forbidden = "FORBIDDEN"
    }

    package static let refBytesMax = 130
    package static let textBytesMax = 1024
    /// Of a reply's `data`.
    package static let dataBytesMax = 65_536

    /// What is said, and where its `ref` stands, which the answer repeats byte for byte; nil: it has none.
    package static func parse(_ text: Span<UInt8>, limits: EventLimits = EventLimits(), knownSession: SessionID? = nil)
        throws(InvalidEngineMessage) -> (message: EngineMessage, ref: Range<Int>?)
    {
        var reader = EngineMessageReader(limits: limits)
        do throws(EngineMessageFault) {
            try reader.read(text)
            return (try reader.message(text, knownSession), reader.ref)
        } catch {
            throw InvalidEngineMessage(error, in: text, ref: reader.ref ?? Self.findRef(text))
        }
    }

    /// Of a message that is wrong before its `ref` was reached: its sender shall know which it was.
    private static func findRef(_ text: Span<UInt8>) -> Range<Int>? {
        var scanner = JSONScanner()
        guard let value = try? scanner.document(text), value.kind == .object else { return nil }
        scanner = JSONScanner(at: value.range.lowerBound + 1)
        var isFirst = true
        while let (key, value) = try? scanner.nextMember(text, isFirst: isFirst) {
            isFirst = false
            if text.extracting(key.contents).isEqual(to: "ref") { return isRef(value) ? value.range : nil }
        }
        return nil
    }

    /// A string of 1 to 128 bytes as it is written, or a number.
    static func isRef(_ value: JSONValueToken) -> Bool {
        switch value.kind {
        case .string(let string): (1...refBytesMax - 2).contains(string.contents.count)
        case .number: value.range.count <= refBytesMax
        default: false
        }
    }
}

/// The name of a command on its way to an engine and back: which worker is the session's home, and which of its commands it is.
package struct CommandID: Sendable, Hashable, CustomStringConvertible {
    package let worker: Int
    package let number: UInt64

    /// 0 to 2⁵⁶ - 1.
    package static let numberMask: UInt64 = 0x00ff_ffff_ffff_ffff

    package init(worker: Int, number: UInt64) {
        self.worker = worker & 0xff
        self.number = number & Self.numberMask
    }

    /// 16 hexadecimal digits, small.
    package init?(_ bytes: Span<UInt8>) {
        guard bytes.count == 16 else { return nil }
        var value: UInt64 = 0
        for index in bytes.indices {
            guard let digit = ASCII.hexadecimalValue(bytes[index]), bytes[index] < UInt8(ascii: "A") || bytes[index] > UInt8(ascii: "Z")
            else {
                return nil
            }
            value = value << 4 | UInt64(digit)
        }
        self.init(worker: Int(value >> 56), number: value)
    }

    package var description: String {
        String(decoding: ByteWriter.compose(16) { $0.write(hexadecimal: UInt64(worker) << 56 | number, count: 16) }, as: UTF8.self)
    }
}
