import HTTP
import Testing
import WebSocket

@Suite("Opening handshake, client (RFC 6455 §4.1)")
struct ClientHandshakeTests {
    @Test func `our client's request is accepted by our server`() throws {
        let key = ClientHandshake.makeKey()
        let request = ClientHandshake.request(
            host: "localhost:8080", target: "/ws/backtest/a?token=x", key: key, headers: [("Sec-WebSocket-Protocol", "wsg.v1")])
        var parser = RequestParser()
        var position = 0
        guard case .head(let head)? = try parser.next(request.span, at: &position) else { Issue.record("no head"); return }
        #expect(position == request.count)
        let acceptance = try Handshake.accept(head, subprotocols: ["wsg.v1"])
        #expect(acceptance.acceptKey.description == ClientHandshake.expectedAccept(key: key))
        #expect(acceptance.subprotocol == "wsg.v1")
    }

    @Test func `the compression that our tools offer is agreed on`() throws {
        let request = ClientHandshake.request(
            host: "a", target: "/", key: ClientHandshake.makeKey(), headers: [("Sec-WebSocket-Extensions", PermessageDeflate.offer)])
        var parser = RequestParser()
        var position = 0
        guard case .head(let head)? = try parser.next(request.span, at: &position) else { Issue.record("no head"); return }
        #expect(try Handshake.accept(head, subprotocols: [], deflate: true).deflate?.deflateClass == .window12)
    }

    @Test func `keys are well-formed and differ`() {
        let keys = (0..<100).map { _ in ClientHandshake.makeKey() }
        #expect(keys.allSatisfy { AcceptKey.isWellFormed($0.utf8.span) })
        #expect(Set(keys).count == 100)
    }

    @Test func `the RFC's answer is expected`() {
        #expect(ClientHandshake.expectedAccept(key: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }
}
