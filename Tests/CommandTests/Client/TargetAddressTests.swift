import ArgumentParser
import EventLoop
import Glibc
import Testing

@testable import websocket_gateway

@Suite struct TargetAddressTests {
    @Test func `numeric addresses and localhost with a port`() throws {
        #expect(try TargetAddress.parse("localhost:80", flag: "--connect").description == "127.0.0.1:80")
        #expect(try TargetAddress.parse("[::1]:8080", flag: "--connect").isLoopback)
    }

    @Test(arguments: ["", "8080", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", "example.org:80", "::1:80"])
    func `anything else is a usage error`(_ text: String) {
        #expect(throws: ValidationError.self) { try TargetAddress.parse(text, flag: "--connect") }
    }

    @Test func `a refused connection says what to do`() {
        let address = SocketAddress(parsing: "127.0.0.1:8080")!
        let text = TargetAddress.explain(SystemError("connect", errno: ECONNREFUSED), address)
        #expect(text == "nothing listens on 127.0.0.1:8080; is the gateway running? start it with: websocket-gateway demo")
    }
}
