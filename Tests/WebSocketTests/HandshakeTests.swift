import HTTP
import Testing
import WebSocket

@Suite("Opening handshake, server (RFC 6455 §4.2)")
struct HandshakeTests {
    private static let upgrade = ["Host: server.example.com", "Upgrade: websocket", "Connection: Upgrade"]
    private static let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    private static let version = "Sec-WebSocket-Version: 13"

    private func head(_ lines: [String], requestLine: String = "GET /chat HTTP/1.1") throws -> RequestHead {
        let bytes = Array(([requestLine] + lines + ["", ""]).joined(separator: "\r\n").utf8)
        var parser = RequestParser()
        var position = 0
        guard case .head(let head)? = try parser.next(bytes.span, at: &position) else { throw NoHead() }
        return head
    }

    private struct NoHead: Error {}

    @Test func `the RFC's example is accepted to the byte`() throws {
        let lines = Self.upgrade + [Self.key, "Origin: http://example.com", "Sec-WebSocket-Protocol: chat, superchat", Self.version]
        let acceptance = try Handshake.accept(head(lines), subprotocols: ["chat"])
        #expect(acceptance.acceptKey.description == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(
            String(decoding: acceptance.response, as: UTF8.self) == """
                HTTP/1.1 101 Switching Protocols\r
                Upgrade: websocket\r
                Connection: Upgrade\r
                Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r
                Sec-WebSocket-Protocol: chat\r
                \r

                """)
    }

    @Test func `names and tokens are read whatever their case, in lists`() throws {
        let lines = ["Host: a", "upgrade: foo, WebSocket", "CONNECTION: keep-alive, upgrade", Self.key, Self.version]
        #expect(try Handshake.accept(head(lines), subprotocols: []).subprotocol == nil)
    }

    @Test func `extensions are declined by saying nothing`() throws {
        let lines = Self.upgrade + [Self.key, Self.version, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"]
        let response = try Handshake.accept(head(lines), subprotocols: []).response
        #expect(!String(decoding: response, as: UTF8.self).contains("xtension"))
    }

    private static let browsers: [(offer: String, answer: String?)] = [
        ("permessage-deflate; client_max_window_bits", "permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
        (
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9"
        ),
        ("x-webkit-deflate-frame", nil),
    ]

    @Test(arguments: browsers)
    func `compression is agreed on where it is on and offered`(offer: String, answer: String?) throws {
        let head = try head(Self.upgrade + [Self.key, Self.version, "Sec-WebSocket-Extensions: \(offer)"])
        let acceptance = try Handshake.accept(head, subprotocols: [], deflate: true)
        #expect(acceptance.deflate?.headerValue.description == answer)
        let response = String(decoding: acceptance.response, as: UTF8.self)
        #expect(response.contains("Sec-WebSocket-Extensions:") == (answer != nil))
        if let answer { #expect(response.hasSuffix("\r\nSec-WebSocket-Extensions: \(answer)\r\n\r\n")) }
        #expect(try Handshake.accept(head, subprotocols: []).deflate == nil)
    }

    @Test func `offers may be spread over lines`() throws {
        let lines = [
            "Sec-WebSocket-Extensions: foo, permessage-deflate; server_max_window_bits=8", "SEC-WEBSOCKET-EXTENSIONS: permessage-deflate",
        ]
        let acceptance = try Handshake.accept(head(Self.upgrade + [Self.key, Self.version] + lines), subprotocols: [], deflate: true)
        #expect(acceptance.deflate?.deflateClass == .window12)
    }

    @Test func `broken extensions are rejected where they are read`() throws {
        let head = try head(Self.upgrade + [Self.key, Self.version, "Sec-WebSocket-Extensions: permessage-deflate; ="])
        #expect(throws: HandshakeRejection.malformedExtensions) { try Handshake.accept(head, subprotocols: [], deflate: true) }
        #expect(HandshakeRejection.malformedExtensions.statusCode == 400)
        // §9.1: also where none is ever agreed on.
        #expect(throws: HandshakeRejection.malformedExtensions) { try Handshake.accept(head, subprotocols: []) }
    }

    @Test func `a request without extensions gets none`() throws {
        #expect(try Handshake.accept(head(Self.upgrade + [Self.key, Self.version]), subprotocols: [], deflate: true).deflate == nil)
    }

    private static let rejections: [(HandshakeRejection, [String], UInt16)] = [
        (.missingUpgrade, ["Host: a", "Connection: Upgrade", key, version], 426),
        (.missingUpgrade, ["Host: a", "Upgrade: websockets", "Connection: Upgrade", key, version], 426),
        (.missingConnectionUpgrade, ["Host: a", "Upgrade: websocket", key, version], 426),
        (.missingConnectionUpgrade, ["Host: a", "Upgrade: websocket", "Connection: keep-alive", key, version], 426),
        (.missingVersion, upgrade + [key], 400),
        (.duplicateVersion, upgrade + [key, version, version], 400),
        (.unsupportedVersion, upgrade + [key, "Sec-WebSocket-Version: 8"], 426),
        (.unsupportedVersion, upgrade + [key, "Sec-WebSocket-Version: 013"], 426),
        (.unsupportedVersion, upgrade + [key, "Sec-WebSocket-Version: 13, 8"], 426),
        (.missingKey, upgrade + [version], 400),
        (.duplicateKey, upgrade + [key, key, version], 400),
        (.malformedKey, upgrade + ["Sec-WebSocket-Key: c2hvcnQ=", version], 400),
        (.malformedKey, upgrade + ["Sec-WebSocket-Key:", version], 400),
        (.malformedSubprotocol, upgrade + [key, version, "Sec-WebSocket-Protocol: chat chat"], 400),
    ]

    @Test(arguments: rejections)
    func `a request that is no handshake is rejected`(rejection: HandshakeRejection, lines: [String], status: UInt16) throws {
        let head = try head(lines)
        #expect(throws: rejection) { try Handshake.accept(head, subprotocols: ["chat"]) }
        #expect(rejection.statusCode == status)
    }

    @Test func `another method is not a handshake`() throws {
        let head = try head(Self.upgrade + [Self.key, Self.version, "Content-Length: 0"], requestLine: "POST /chat HTTP/1.1")
        #expect(throws: HandshakeRejection.notGet) { try Handshake.accept(head, subprotocols: []) }
    }

    /// The parser lets HTTP/1.0 through for health checks alone.
    @Test func `HTTP 1_0 is too old, and told so`() throws {
        let head = try head(Self.upgrade + [Self.key, Self.version], requestLine: "GET /healthz HTTP/1.0")
        #expect(throws: HandshakeRejection.httpVersionTooOld) { try Handshake.accept(head, subprotocols: []) }
        #expect(HandshakeRejection.httpVersionTooOld.statusCode == 505)
    }
}

extension Handshake.Acceptance {
    fileprivate var response: [UInt8] {
        var bytes: [UInt8] = []
        appendResponse(to: &bytes)
        return bytes
    }
}
