import EventLoop
import Sessions
import Testing
import WebSocket

@testable import WebSocketGateway

/// The standard library's own, which it does not offer.
@_silgen_name("$ss36_class_getInstancePositiveExtentSizeySiyXlXpF")
private func instanceBytes(_ type: AnyClass) -> Int

@Suite("One client's WebSocket")
struct ClientConnectionTests {
    private func masked(_ opcode: Opcode, _ text: String, fin: Bool = true) -> [UInt8] {
        FrameEncoder.maskedFrame(opcode, Array(text.utf8), maskingKey: 0x0102_0304, fin: fin)
    }

    @Test func `a message that is not finished in time closes the connection with 1008`() async throws {
        try await TestGateway.run(workers: 1, { $0.messageTimeout = .milliseconds(150) }) { gateway in
            let client = try await gateway.join("s")
            client.sendRaw(masked(.text, #"{"action":"#, fin: false))
            _ = await offPool { client.rest() }
            #expect(client.end == .closed(1008, "message not finished in time"))
        }
    }

    @Test func `each message has its own time, also where a read holds the end of one and the beginning of the next`() async throws {
        try await TestGateway.run(
            workers: 1,
            {
                $0.messageTimeout = .seconds(1)
                $0.messageRate = 1_000_000
                $0.messageBurst = 1_000_000
                $0.messageByteRate = 100_000_000
            }
        ) { gateway in
            let client = try await gateway.join("s")
            let frame = masked(.text, #"{"action":"ping"}"#)
            // All on one thread: between two messages nothing waits for the pool, which other tests keep busy.
            let answers = await offPool {
                let begin = Clocks.monotonicNanoseconds
                var answers = 0
                client.sendRaw(Array(frame[..<10]))
                // No message takes long: each is finished as soon as the one before is answered.
                while Clocks.monotonicNanoseconds - begin < 2_500_000_000 {
                    client.sendRaw(Array(frame[10...] + frame[..<10]))
                    guard client.next()?.type == "heartbeat" else { break }
                    answers += 1
                }
                return answers
            }
            #expect(client.end == nil && answers > 1, "after \(answers) messages")
        }
    }

    /// What an idle connection keeps is mostly these two (docs/PERFORMANCE.md). malloc takes 8 bytes more and rounds up to 16.
    @Test func `a connection and its stream fit their places`() {
        #expect(instanceBytes(ClientConnection.self) <= 504)
        #expect(instanceBytes(TCPStream.self) <= 72)
    }

    @Test func `a client's ping is answered with its own bytes, and its close with its code`() async throws {
        try await TestGateway.run(workers: 1) { gateway in
            let client = try await gateway.join("s")
            client.send(.ping, [1, 2, 3])
            client.send(.close, [0x03, 0xe9])
            _ = await offPool { client.rest() }
            #expect(client.pongs == 1)
            #expect(client.end == .closed(1001, ""))
            let gone = try await eventually { try await gateway.manager.connectionCount() == 0 }
            #expect(gone)
            client.close()
        }
    }

    /// What it does not read would otherwise stay with the kernel, outside every limit, and its place would be free for the next.
    @Test(arguments: [true, false])
    func `who says Close keeps its place until it has read what was sent to it`(reads: Bool) async throws {
        try await TestGateway.run(workers: 1) { gateway in
            let board = try gateway.manager.switchboard
            let raw = try #require(RawClient(port: gateway.port, receiveBufferBytes: reads ? nil : 4096))
            raw.send(ClientHandshake.request(host: "localhost", target: "/ws/backtest/s", key: ClientHandshake.makeKey(), headers: []))
            let isIn = await eventually { board.counters[0].value(.handshakes, label: HandshakeOutcome.accepted.index) == 1 }
            #expect(isIn)
            if !reads {
                let event = Event(type: .candle, data: ["filling": .string(String(repeating: "x", count: 30_000))])
                let receipt = try await gateway.manager.broadcastToSession("s", event)
                #expect(receipt.sent == 1, "the kernel has taken it whole, and nothing waits with the gateway")
            }
            raw.send(FrameEncoder.maskedFrame(.close, [3, 232], maskingKey: 1))
            let isAnswered = await eventually { board.counters[0].value(.clientMessages, label: Received.Kind.close.rawValue) == 1 }
            #expect(isAnswered)
            // The close is handled within the turn that counts it; a call is answered in a later one.
            _ = await board.ask(0) { _ in true }
            #expect(board.gate.clientCount == (reads ? 0 : 1))
            raw.close()
            let isGone = await eventually { board.gate.clientCount == 0 }
            #expect(isGone)
        }
    }

    @Test func `a binary message is closed with 1003, an unmasked one with 1002`() async throws {
        try await TestGateway.run(workers: 2) { gateway in
            let (one, other) = (try await gateway.join("s"), try await gateway.join("s"))
            one.send(.binary, [1])
            other.sendRaw(FrameEncoder.frame(.text, [0x7b, 0x7d]))
            _ = await offPool { (one.rest(), other.rest()) }
            guard case .closed(1003, _)? = one.end, case .closed(1002, _)? = other.end else {
                Issue.record("\(String(describing: one.end)), \(String(describing: other.end))")
                return
            }
        }
    }

    // MARK: Rates

    @Test func `messages over the rate are told once, not looked at, and a hundred of them close with 4429`() async throws {
        try await TestGateway.run(
            workers: 1,
            {
                $0.messageRate = 1
                $0.messageBurst = 3
                $0.messageExcessMax = 20
            }
        ) { gateway in
            let client = try await gateway.join("s")
            for number in 1...23 { client.send(#"{"action":"ping","ref":"\#(number)"}"#) }
            let answers = await offPool {
                var answers: [SocketClient.Message] = []
                while let answer = client.next() { answers.append(answer) }
                return answers
            }
            #expect(answers.map(\.type) == ["heartbeat", "heartbeat", "heartbeat", "error"])
            #expect(answers.last?.data["error_code"]?.stringValue == "RATE_LIMITED")
            #expect(answers.last?.data["details"]?["ref"]?.stringValue == "4")
            #expect(client.end == .closed(4429, "too many messages"))
        }
    }

    @Test func `of pings over the rate the last is answered, later`() async throws {
        try await TestGateway.run(
            workers: 1,
            {
                $0.messageRate = 1
                $0.messageBurst = 2
                $0.messageExcessMax = 1000
            }
        ) { gateway in
            let client = try await gateway.join("s")
            for number in 1...50 { client.send(.ping, [UInt8(number)]) }
            let told = await offPool { client.next() }
            #expect(told?.data["error_code"]?.stringValue == "RATE_LIMITED")
            #expect(client.pongPayloads == [[1], [2]])
            _ = await offPool { client.next(orPongs: 3) }
            #expect(client.pongPayloads == [[1], [2], [50]])
        }
    }

    @Test func `bytes have their rate too, and compressed ones count for what they inflate to`() async throws {
        try await TestGateway.run(
            workers: 1,
            {
                $0.messageByteRate = 1
                $0.messageByteBurst = 65_536
            }
        ) { gateway in
            let padded = #"{"action":"ping","padding":""# + String(repeating: "x", count: 60_000) + #""}"#
            let plain = try await gateway.join("s")
            plain.send(padded)
            plain.send(padded)
            #expect(await offPool { plain.next() }?.type == "heartbeat")
            #expect(await offPool { plain.next() }?.data["error_code"]?.stringValue == "RATE_LIMITED")
            let message = Array(padded.utf8)
            let deflated = Deflater(.window12)?.deflate(message.span)
            let compressed = try #require(deflated)
            #expect(compressed.count < 1000)
            let client = try await gateway.join("s", headers: [("Sec-WebSocket-Extensions", PermessageDeflate.offer)])
            for _ in 0..<3 { client.sendRaw(FrameEncoder.maskedFrame(.text, compressed, maskingKey: 7, rsv1: true)) }
            #expect(await offPool { client.next() }?.type == "heartbeat")
            #expect(await offPool { client.next() }?.type == "heartbeat", "there was room for its few bytes when it came")
            #expect(await offPool { client.next() }?.data["error_code"]?.stringValue == "RATE_LIMITED")
        }
    }

    @Test(arguments: [
        (
            #"{"action":"stop","ref":"r1"}"#,
            #"{"error_code":"NO_ENGINE","message":"no engine serves this session","details":{"action":"stop","ref":"r1"}}"#
        ),
        (
            #"{"action":"Pause"}"#,
            #"{"error_code":"NO_ENGINE","message":"no engine serves this session","details":{"action":"pause","ref":null}}"#
        ),
    ])
    func `a command that no engine serves is answered so`(command: String, expected: String) async throws {
        try await TestGateway.run(workers: 1) { gateway in
            let client = try await gateway.join("s")
            client.send(command)
            let answer = await offPool { client.next() }
            #expect(answer?.type == "error")
            #expect(answer?.id == nil)
            #expect(answer?.data.encoded == expected)
        }
    }

    @Test(arguments: [
        ("nonsense", "INVALID_MESSAGE"), ("[]", "INVALID_MESSAGE"), ("{}", "INVALID_COMMAND"), (#"{"action":7}"#, "INVALID_COMMAND"),
    ])
    func `what is no command is answered so, and the connection stays`(text: String, code: String) async throws {
        try await TestGateway.run(workers: 1) { gateway in
            let client = try await gateway.join("s")
            client.send(text)
            #expect(await offPool { client.next() }?.data["error_code"]?.stringValue == code)
            client.send(#"{"action":"ping"}"#)
            #expect(await offPool { client.next() }?.type == "heartbeat")
        }
    }
}
