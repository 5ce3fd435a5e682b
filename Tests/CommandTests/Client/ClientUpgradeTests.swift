import Testing
import WebSocket

@testable import websocket_gateway

@Suite struct ClientUpgradeTests {
    private func key(_ upgrade: ClientUpgrade) throws -> String {
        let request = String(decoding: upgrade.request, as: UTF8.self)
        let line = try #require(request.split(separator: "\r\n").first { $0.hasPrefix("Sec-WebSocket-Key: ") })
        return String(line.dropFirst("Sec-WebSocket-Key: ".count))
    }

    private func response(_ key: String, extra: String = "") -> [UInt8] {
        Array(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\(extra)Sec-WebSocket-Accept: \(ClientHandshake.expectedAccept(key: key))\r\n\r\n"
                .utf8)
    }

    @Test func `the request names host and target`() {
        let request = String(decoding: ClientUpgrade(host: "127.0.0.1:8080", target: "/ws/backtest/a?types=candle").request, as: UTF8.self)
        #expect(request.hasPrefix("GET /ws/backtest/a?types=candle HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"))
    }

    @Test func `an answer is accepted however it is split, and frames after it are left alone`() throws {
        var upgrade = ClientUpgrade(host: "h", target: "/")
        let bytes = response(try key(upgrade)) + [0x81, 0x00]
        for index in bytes.indices.dropLast(3) {
            var position = 0
            let piece = [bytes[index]]
            let verdict = upgrade.receive(piece.span, at: &position)
            #expect(verdict == .incomplete)
        }
        var position = 0
        let rest = Array(bytes.suffix(3))
        let verdict = upgrade.receive(rest.span, at: &position)
        #expect(verdict == .accepted(deflate: false))
        #expect(position == 1)
    }

    @Test func `a wrong accept key, an extension or a subprotocol nobody asked for is no acceptance`() throws {
        for bytes in [response("dGhlIHNhbXBsZSBub25jZQ==")] {
            var upgrade = ClientUpgrade(host: "h", target: "/")
            var position = 0
            let verdict = upgrade.receive(bytes.span, at: &position)
            #expect(verdict == .violated("the 101 has the wrong Sec-WebSocket-Accept"))
        }
        for extra in ["Sec-WebSocket-Extensions: permessage-deflate\r\n", "Sec-WebSocket-Protocol: x\r\n"] {
            var upgrade = ClientUpgrade(host: "h", target: "/")
            let bytes = response(try key(upgrade), extra: extra)
            var position = 0
            let verdict = upgrade.receive(bytes.span, at: &position)
            #expect(verdict == .violated("the 101 agrees to something that was not offered"))
        }
    }

    private func verdict(offeringDeflate: Bool, answered extensions: String?) throws -> ClientUpgrade.Verdict {
        var upgrade = ClientUpgrade(host: "h", target: "/", deflate: offeringDeflate)
        let bytes = response(try key(upgrade), extra: extensions.map { "Sec-WebSocket-Extensions: \($0)\r\n" } ?? "")
        var position = 0
        return upgrade.receive(bytes.span, at: &position)
    }

    @Test func `permessage-deflate is offered where it is wanted, and only there`() {
        let line = "\r\nSec-WebSocket-Extensions: \(PermessageDeflate.offer)\r\n"
        for deflate in [true, false] {
            let request = String(decoding: ClientUpgrade(host: "h", target: "/", deflate: deflate).request, as: UTF8.self)
            #expect(request.contains(line) == deflate)
        }
    }

    @Test func `an agreement is told, its absence too, and a wrong one is no acceptance`() throws {
        let agreement = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        #expect(try verdict(offeringDeflate: true, answered: agreement) == .accepted(deflate: true))
        #expect(try verdict(offeringDeflate: true, answered: nil) == .accepted(deflate: false))
        #expect(
            try verdict(offeringDeflate: false, answered: agreement) == .violated("the 101 agrees to something that was not offered"))
        #expect(
            try verdict(offeringDeflate: true, answered: "permessage-deflate; fast")
                == .violated("the 101 agrees on permessage-deflate with an unknown parameter, fast"))
    }

    @Test func `a refusal is read with its reason`() {
        var upgrade = ClientUpgrade(host: "h", target: "/")
        let body = #"{"error":{"code":"SESSION_LIMIT","message":"this session has as many connections as it may","details":{}}}"#
        let bytes = Array("HTTP/1.1 503 Service Unavailable\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
        var position = 0
        guard case .refused(let refusal) = upgrade.receive(bytes.span, at: &position) else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.text == "503 SESSION_LIMIT: this session has as many connections as it may")
        #expect(refusal.isTransient)
        #expect(refusal.flagToRaise(connections: 516, perSession: 500) == "--max-connections-per-session 500")
    }

    @Test func `something that is not HTTP is told so`() {
        var upgrade = ClientUpgrade(host: "h", target: "/")
        var position = 0
        let bytes = Array("SSH-2.0-OpenSSH_9.6\r\n\r\n".utf8)
        guard case .violated = upgrade.receive(bytes.span, at: &position) else {
            Issue.record("not refused")
            return
        }
    }
}
