import Testing

@testable import EventLoop

@Suite("Hosts become addresses") struct EventLoopResolvingTests {
    @Test(
        arguments: [
            ("127.0.0.1", "127.0.0.1:80"), ("2001:db8::1", "[2001:db8::1]:80"), ("localhost", "127.0.0.1:80"),
        ])
    func `a numeric one and localhost are known`(host: String, address: String) throws {
        #expect(try EventLoop().address(ofHost: host, port: 80).description == address)
    }

    /// `LOCALHOST` is not ours to know, and every system's resolver knows it.
    @Test func `a name is looked up`() throws {
        let address = try EventLoop().address(ofHost: "LOCALHOST", port: 443)
        #expect(address.isLoopback && address.port == 443)
    }

    /// RFC 6761 §6.4: nobody ever has it.
    @Test func `a name that nobody has is an error`() throws {
        let loop = try EventLoop()
        let error = #expect(throws: SystemError.self) { try loop.address(ofHost: "nobody.invalid", port: 443) }
        #expect(error?.operation == "look up nobody.invalid")
    }
}
