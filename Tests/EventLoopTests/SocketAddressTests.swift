import Testing

@testable import EventLoop

@Suite("Socket addresses")
struct SocketAddressTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let text: String
        let description: String
        let isIPv4: Bool
        var testDescription: String { text }
    }

    @Test(arguments: [
        Row(text: "127.0.0.1:8080", description: "127.0.0.1:8080", isIPv4: true),
        Row(text: "0.0.0.0:0", description: "0.0.0.0:0", isIPv4: true),
        Row(text: "255.255.255.255:65535", description: "255.255.255.255:65535", isIPv4: true),
        Row(text: "localhost:80", description: "127.0.0.1:80", isIPv4: true),
        Row(text: "[127.0.0.1]:80", description: "127.0.0.1:80", isIPv4: true),
        Row(text: "[::1]:443", description: "[::1]:443", isIPv4: false),
        Row(text: "[::]:0", description: "[::]:0", isIPv4: false),
        Row(text: "[2001:DB8:0:0:0:0:0:1]:1", description: "[2001:db8::1]:1", isIPv4: false),
        Row(text: "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:1", description: "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:1", isIPv4: false),
        Row(text: "[::ffff:10.1.2.3]:9", description: "10.1.2.3:9", isIPv4: true),
        Row(text: "[::ffff:0a01:0203]:9", description: "10.1.2.3:9", isIPv4: true),
        Row(text: "1.2.3.4:00080", description: "1.2.3.4:80", isIPv4: true),
    ])
    func `an address is parsed and printed`(row: Row) throws {
        let address = try #require(SocketAddress(parsing: row.text))
        #expect(address.description == row.description)
        #expect(address.isIPv4 == row.isIPv4)
        #expect(SocketAddress(parsing: address.description) == address)
    }

    @Test(arguments: [
        "", ":", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:99999999999999999999", "127.0.0.1:-1",
        "127.0.0.1:+1",
        "127.0.0.1: 80", "127.0.0.1:80 ", "127.0.0.1:８０", "127.0.0.1:0x50", " 127.0.0.1:80", "127.0.0:80", "127.0.0.256:80", "1.2.3.4.5:80",
        "example.com:80", "LOCALHOST:80", "::1:80", "::1", "[::1]", "[::1]:", "[::1:80", "::1]:80", "[]:80", "[[::1]]:80", "[:::1]:80",
        "[12345::]:80",
        "[1:2:3:4:5:6:7:8:9]:80", "*:80",
    ])
    func `anything else is no address`(text: String) {
        #expect(SocketAddress(parsing: text) == nil)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.255.255.255", true), ("126.255.255.255", false), ("128.0.0.0", false), ("::1", true), ("::2", false),
        ("::", false),
        ("::ffff:127.0.0.1", true), ("::ffff:10.0.0.1", false), ("::7f00:1", false), ("1::1", false), ("0.0.0.0", false),
    ])
    func `loopback is 127-8 and colon-colon-1`(host: String, isLoopback: Bool) throws {
        #expect(try #require(SocketAddress(host: host)).isLoopback == isLoopback)
    }

    @Test(arguments: [
        ("0.0.0.0", true), ("::", true), ("::ffff:0.0.0.0", true), ("::1", false), ("0.0.0.1", false), ("127.0.0.1", false), ("1::", false),
    ])
    func `a wildcard is every interface`(host: String, isWildcard: Bool) throws {
        #expect(try #require(SocketAddress(host: host)).isWildcard == isWildcard)
    }

    @Test func `an IPv4 address equals its mapped form`() throws {
        let plain = try #require(SocketAddress(host: "10.1.2.3", port: 7))
        let mapped = try #require(SocketAddress(host: "::ffff:10.1.2.3", port: 7))
        #expect(plain == mapped)
        #expect(plain.hashValue == mapped.hashValue)
        #expect(plain != plain.with(port: 8))
        #expect(plain.with(port: 8).port == 8)
        #expect(plain.with(port: 8).host == "10.1.2.3")
    }

    @Test func `who comes by a Unix-domain socket is of this machine, and equals no address`() throws {
        #expect(SocketAddress.unix.isLoopback)
        #expect(!SocketAddress.unix.isIPv4 && !SocketAddress.unix.isWildcard)
        #expect(SocketAddress.unix.description == "unix" && SocketAddress.unix.host == "unix")
        let unspecified = try #require(SocketAddress(parsing: "[::]:0"))
        #expect(unspecified != .unix)
        #expect(unspecified.description == "[::]:0")
        #expect(SocketAddress(parsing: "unix") == nil && SocketAddress(host: "unix") == nil)
    }

    @Test(arguments: ["10.1.2.3:0", "127.0.0.1:65535", "[::1]:1", "[2001:db8:1:2:3:4:5:6]:512", "[::]:256"])
    func `the C form says the same`(text: String) throws {
        let address = try #require(SocketAddress(parsing: text))
        let length = unsafe address.withSockaddr { _, length in Int(length) }
        #expect(length == (address.isIPv4 ? 16 : 28))
    }
}
