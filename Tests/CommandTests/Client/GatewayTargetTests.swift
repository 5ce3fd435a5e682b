import ArgumentParser
import EventLoop
import Glibc
import OpenSSL
import Testing

@testable import websocket_gateway

@Suite struct GatewayTargetTests {
    @Test(
        arguments: [
            ("localhost:80", "localhost:80", false), ("[::1]:8080", "[::1]:8080", false),
            ("gateway.example.com:1", "gateway.example.com:1", false),
            ("ws://127.0.0.1:8080", "127.0.0.1:8080", false), ("ws://gateway", "gateway:80", false),
            ("WSS://gateway/", "gateway:443", true),
            ("wss://[2001:db8::1]:8443", "[2001:db8::1]:8443", true),
        ])
    func `clients are met at an address, a name or a URL`(text: String, target: String, isSealed: Bool) throws {
        let found = try GatewayTarget.parse(text, .clients, flag: "--connect", TLSOptions.parse([]))
        #expect(found.description == target)
        #expect((found.tls != nil) == isSealed)
    }

    @Test func `engines come by http and https`() throws {
        #expect(try GatewayTarget.parse("http://localhost:8081", .control, flag: "--control", TLSOptions.parse([])).tls == nil)
        #expect(try GatewayTarget.parse("https://localhost:8081", .control, flag: "--control", TLSOptions.parse([])).tls != nil)
        #expect(throws: ValidationError.self) {
            try GatewayTarget.parse("wss://localhost:8081", .control, flag: "--control", TLSOptions.parse([]))
        }
        #expect(throws: ValidationError.self) {
            try GatewayTarget.parse("https://localhost:8081", .clients, flag: "--connect", TLSOptions.parse([]))
        }
    }

    @Test func `a control listener may be a Unix-domain socket, the public one not`() throws {
        let target = try GatewayTarget.parse("unix:/run/gateway.sock", .control, flag: "--control", TLSOptions.parse([]))
        #expect(target.description == "unix:/run/gateway.sock")
        #expect(target.hostField == "localhost")
        #expect(target.isLoopback)
        for text in ["unix:", "unix:gateway.sock", "unix:/" + String(repeating: "p", count: 107)] {
            #expect(throws: ValidationError.self) { try GatewayTarget.parse(text, .control, flag: "--control", TLSOptions.parse([])) }
        }
        #expect(throws: ValidationError.self) {
            try GatewayTarget.parse("unix:/run/gateway.sock", .clients, flag: "--connect", TLSOptions.parse([]))
        }
    }

    @Test(arguments: [ECONNREFUSED, ENOENT])
    func `a socket that nobody listens on says what to do`(errno: Int32) throws {
        let target = try GatewayTarget.parse("unix:/run/gateway.sock", .control, flag: "--control", TLSOptions.parse([]))
        #expect(
            target.explain(SystemError("connect", errno: errno))
                == "nothing listens on unix:/run/gateway.sock; is the gateway running? start it with: websocket-gateway demo, or say where it is"
        )
    }

    @Test(arguments: [
        "", "8080", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", "::1:80", "a b:80", "wss://", "wss://a:0", "wss://a/path", "wss://u@a:1",
        "wss://a:1?x", "a\r\nX: y:80", "[:80",
    ])
    func `anything else is a usage error`(_ text: String) {
        #expect(throws: ValidationError.self) { try GatewayTarget.parse(text, .clients, flag: "--connect", TLSOptions.parse([])) }
    }

    @Test(
        arguments: [
            ("127.0.0.1:1", true), ("localhost:1", true), ("[::1]:1", true), ("192.0.2.1:1", false), ("localhost.example.com:1", false),
        ])
    func `this machine is told from others without looking up names`(text: String, isLoopback: Bool) throws {
        #expect(try GatewayTarget.parse(text, .clients, flag: "--connect", TLSOptions.parse([])).isLoopback == isLoopback)
    }

    @Test func `a refused connection says what to do`() {
        let target = GatewayTarget(host: "127.0.0.1", port: 8080, tls: nil)
        let text = target.explain(SystemError("connect", errno: ECONNREFUSED))
        #expect(
            text == "nothing listens on 127.0.0.1:8080; is the gateway running? start it with: websocket-gateway demo, or say where it is")
    }

    @Test(
        arguments: [
            (TLSFailure.Reason.badCertificate, "the certificate of localhost:8443 is not trusted: why"),
            (.notTLS, "localhost:8443 does not speak TLS (why); is it its other listener, or one without TLS?"),
            (.alert, "localhost:8443 ended TLS with an alert: why"), (.version, "no TLS with localhost:8443: why"),
        ])
    func `a TLS failure says what failed and where`(reason: TLSFailure.Reason, text: String) {
        #expect(GatewayTarget(host: "localhost", port: 8443, tls: nil).explain(TLSFailure(reason, "why")) == text)
    }
}
