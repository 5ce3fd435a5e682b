import Sessions
import Testing
import WebSocket

@testable import WebSocketGateway

@Suite("An engine's link")
struct EngineConnectionTests {
    @Test(arguments: [1, 3])
    func `publishes are pipelined, each answered under its ref, and in the order of their sending`(workers: Int) async throws {
        try await TestGateway.run(workers: workers) { gateway in
            let client = try await gateway.join("s")
            let link = try await gateway.link()
            let count = 2000
            let sending = Task {
                await offPool {
                    for n in 0..<count {
                        link.send(#"{"op":"publish","ref":\#(n),"session_id":"s","event":{"type":"candle","data":{"n":\#(n)}}}"#)
                    }
                }
            }
            let answers = await offPool { (0..<count).map { _ in link.next() } }
            await sending.value
            for (n, answer) in answers.enumerated() {
                #expect(answer?["op"]?.stringValue == "published")
                #expect(answer?["ref"]?.intValue == Int64(n))
                #expect(answer?["sequence"]?.intValue == Int64(n + 1))
                #expect(answer?["connections"]?.intValue == 1)
            }
            let events = await offPool { client.events(count) }
            #expect(events.map { $0.data["n"]?.intValue } == (0..<count).map { Int64($0) })
        }
    }

    @Test func `a batch is all or nothing, and a key is done once, whichever way it comes`() async throws {
        try await TestGateway.run(workers: 2) { gateway in
            let link = try await gateway.link()
            let batch = await offPool {
                link.call(#"{"op":"publish","session_id":"s","events":[{"type":"a","data":{}},{"type":"b","data":{}}]}"#)
            }
            #expect(batch?["count"]?.intValue == 2)
            let refused = await offPool {
                link.call(#"{"op":"publish","ref":"r","session_id":"s","events":[{"type":"a","data":{}},{"type":"B","data":{}}]}"#)
            }
            #expect(refused?["code"]?.stringValue == "INVALID_EVENT")
            #expect(refused?["details"]?["place"]?.stringValue == "events[1].type")
            let keyed = #"{"op":"publish","ref":%,"session_id":"s","event":{"type":"a","data":{}},"key":"k"}"#
            let answers = await offPool { [1, 2].map { link.call(keyed.replacing("%", with: "\($0)")) } }
            #expect(answers.map { $0?["sequence"]?.intValue } == [3, 3])
            #expect(answers.map { $0?["ref"]?.intValue } == [1, 2])
            let engine = try await gateway.engine()
            let byHTTP = await offPool {
                engine.call("POST", "/v1/sessions/s/events", #"{"type":"a","data":{}}"#, headers: [("Idempotency-Key", "k")])
            }
            #expect(byHTTP?.json["sequence"]?.intValue == 3)
            let other = await offPool { link.call(#"{"op":"publish","session_id":"s","event":{"type":"b","data":{}},"key":"k"}"#) }
            #expect(other?["code"]?.stringValue == "IDEMPOTENCY_KEY_REUSED")
            let bad = await offPool { link.call(#"{"op":"publish","session_id":"s","event":{"type":"b","data":{}},"key":"a b"}"#) }
            #expect(bad?["code"]?.stringValue == "INVALID_IDEMPOTENCY_KEY")
        }
    }

    @Test(arguments: [
        ("nonsense", "INVALID_JSON"), ("[]", "INVALID_MESSAGE"), ("{}", "INVALID_MESSAGE"), (#"{"op":"dance"}"#, "INVALID_MESSAGE"),
        (#"{"op":"serve","session_id":".."}"#, "INVALID_SESSION_ID"),
        (#"{"op":"publish","session_id":"s","event":{"type":"connected","data":{}}}"#, "RESERVED_TYPE"),
        (#"{"op":"reply","command_id":"0000000000000000"}"#, "INVALID_MESSAGE"),
    ])
    func `a message that breaks a rule is refused and the link goes on`(_ text: String, _ code: String) async throws {
        try await TestGateway.run(workers: 1) { gateway in
            let link = try await gateway.link()
            let answer = await offPool { link.call(text) }
            #expect(answer?["op"]?.stringValue == "error")
            #expect(answer?["code"]?.stringValue == code)
            #expect(answer?["ref"] == .null)
            for id in ["00ffffffffffffff", "ff00000000000000"] {
                let expired = await offPool { link.call(#"{"op":"reply","command_id":"\#(id)","ok":true}"#) }
                #expect(expired?.encoded == #"{"op":"expired","command_id":"\#(id)"}"#)
            }
        }
    }

    @Test(
        arguments: [
            ([0x82, 0x80, 0, 0, 0, 0], 1003), ([0x81, 0x00], 1002), ([0xc1, 0x80, 0, 0, 0, 0], 1002),
            ([0x81, 0x81, 0, 0, 0, 0, 0xff], 1007),
            ([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], 1009), ([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8], 1000),
            ([0x83, 0x80, 0, 0, 0, 0], 1002),
        ] as [([UInt8], UInt16)])
    func `a frame that breaks a rule closes the link with its code`(_ bytes: [UInt8], _ code: UInt16) async throws {
        try await TestGateway.run(workers: 2) { gateway in
            let link = try await gateway.link()
            link.sendRaw(bytes)
            _ = await offPool { link.next() }
            #expect(link.closed?.code == code)
            link.close()
            #expect(await eventually { gateway.manager.metrics.contains("wsg_engine_links 0\n") })
        }
    }

    @Test func `an engine that floods and does not read is held back, and is cut when it takes nothing`() async throws {
        try await TestGateway.run(workers: 1, { $0.writeTimeout = .milliseconds(300) }) { gateway in
            let link = try await gateway.link()
            let other = try await gateway.link()
            let message = #"{"op":"publish","ref":1,"session_id":"s","event":{"type":"a","data":{}}}"#
            let frames = Array((0..<200).map { _ in FrameEncoder.maskedFrame(.text, Array(message.utf8), maskingKey: 1) }.joined())
            // Never reads: sends until the gateway has had enough.
            await offPool { while link.sendRaw(frames) {} }
            #expect(await eventually { gateway.manager.metrics.contains("wsg_engine_links 1\n") })
            let answer = await offPool { other.call(message) }
            #expect(answer?["op"]?.stringValue == "published")
        }
    }

    @Test func `a link counts among the control connections, and leaves its place`() async throws {
        try await TestGateway.run(workers: 1, { $0.controlConnectionsMax = 1 }) { gateway in
            let link = try await gateway.link()
            await #expect(throws: TestGateway.NotLinked.self) { try await gateway.link() }
            link.reset()
            #expect(await eventually { (try? await gateway.link()) != nil })
        }
    }

    @Test func `a link whose engine is never heard is closed as stale, having been pinged`() async throws {
        try await TestGateway.run(
            workers: 2,
            {
                $0.heartbeatInterval = .milliseconds(50)
                $0.staleTimeout = .milliseconds(500)
            }
        ) { gateway in
            let link = try await gateway.link()
            // Nothing is read until it is over, so that no ping is answered.
            #expect(await eventually { gateway.manager.metrics.contains("wsg_engine_links 0\n") })
            _ = await offPool { link.next() }
            #expect(link.pings > 1)
            #expect(link.closed?.code == 4411)
        }
    }

    @Test func `commands travel between any two workers, and an answer comes behind the events before it`() async throws {
        try await TestGateway.run(workers: 4) { gateway in
            let link = try await gateway.link()
            for session in 0..<8 {
                let served = await offPool { link.call(#"{"op":"serve","session_id":"s\#(session)"}"#) }
                #expect(served?["op"]?.stringValue == "serving")
                let client = try await gateway.join("s\(session)")
                #expect(await offPool { link.next() }?["op"]?.stringValue == "connected")
                client.send(#"{"action":"pause","ref":"r"}"#)
                let command = await offPool { link.next() }
                let id = try #require(command?["command_id"]?.stringValue)
                link.send(#"{"op":"publish","session_id":"s\#(session)","event":{"type":"session_paused","data":{}}}"#)
                link.send(#"{"op":"reply","command_id":"\#(id)","ok":true}"#)
                #expect(await offPool { link.next() }?["op"]?.stringValue == "published")
                let types = await offPool { client.events(2).map(\.type) }
                #expect(types == ["session_paused", "command_ack"])
            }
        }
    }
}
