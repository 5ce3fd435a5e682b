import EventLoop
import Testing

@testable import WebSocketGateway

@Suite("Trusted proxies")
struct TrustedProxiesTests {
    @Test(arguments: [
        ("10.0.0.1", "10.0.0.1", true), ("10.0.0.1", "10.0.0.2", false), ("10.0.0.0/8", "10.255.255.255", true),
        ("10.0.0.0/8", "11.0.0.0", false),
        ("10.1.2.3/8", "10.9.9.9", true), ("192.168.1.128/25", "192.168.1.127", false), ("192.168.1.128/25", "192.168.1.128", true),
        ("192.168.1.7/32", "192.168.1.6", false), ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "::1", false),
        ("0.0.0.0/1", "128.0.0.0", false),
        ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::", false), ("2001:db8::/63", "2001:db8:0:1::5", true),
        ("2001:db8::/64", "2001:db8::ffff:ffff:ffff:ffff", true), ("2001:db8::/64", "2001:db8:0:1::", false),
        ("2001:db8::/65", "2001:db8::7fff:0:0:0", true),
        ("2001:db8::/65", "2001:db8::8000:0:0:0", false), ("::1", "::1", true), ("::1/128", "::2", false), ("::/0", "2001:db8::1", true),
        ("::ffff:10.0.0.0/8", "10.3.3.3", true), ("10.0.0.0/8", "::ffff:10.1.1.1", true), ("10.0.0.0/8", "::10.1.1.1", false),
    ])
    func `an address is in a block or not`(block: String, host: String, isInside: Bool) throws {
        let address = try #require(SocketAddress(host: host, port: 99))
        #expect(try TrustedProxies([block]).contains(address) == isInside)
    }

    @Test(arguments: [
        "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0/8", "::/129", "proxy.example",
        "10.0.0.1:80", "[::1]", "10.0.0.0/8 ", "*",
    ])
    func `what is no block is refused by name`(text: String) {
        let error = #expect(throws: SettingsError.self) { try TrustedProxies(["10.0.0.1", text]) }
        #expect(error?.setting == "trusted-proxies")
    }

    struct Chain: Sendable, CustomTestStringConvertible {
        let peer: String
        let header: [String]
        let client: String
        let why: String
        var testDescription: String { why }
    }

    @Test(arguments: [
        Chain(peer: "203.0.113.5", header: [], client: "203.0.113.5", why: "nobody forwarded"),
        Chain(peer: "203.0.113.5", header: ["198.51.100.1"], client: "203.0.113.5", why: "a client's own header is not believed"),
        Chain(peer: "10.0.0.1", header: ["198.51.100.1"], client: "198.51.100.1", why: "a proxy's is"),
        Chain(peer: "10.0.0.1", header: [], client: "10.0.0.1", why: "a proxy that says nothing is itself"),
        Chain(peer: "10.0.0.1", header: [""], client: "10.0.0.1", why: "nor does an empty header"),
        Chain(
            peer: "10.0.0.1", header: ["6.6.6.6, 198.51.100.1"], client: "198.51.100.1",
            why: "what the client wrote stands before what the proxy added"),
        Chain(peer: "10.0.0.1", header: ["6.6.6.6", "198.51.100.1"], client: "198.51.100.1", why: "also in a header of its own"),
        Chain(
            peer: "10.0.0.1", header: ["6.6.6.6, 198.51.100.1, 10.0.0.2"], client: "198.51.100.1", why: "a chain of proxies is walked back"),
        Chain(
            peer: "10.0.0.1", header: ["198.51.100.1,10.0.0.2 ,  10.0.0.3"], client: "198.51.100.1",
            why: "spaces around the commas do not matter"),
        Chain(peer: "10.0.0.1", header: ["10.9.9.9, 198.51.100.1"], client: "198.51.100.1", why: "a client that claims to be a proxy"),
        Chain(peer: "10.0.0.1", header: ["10.0.0.3, 10.0.0.2"], client: "10.0.0.1", why: "only proxies: the peer itself"),
        Chain(peer: "10.0.0.1", header: ["198.51.100.1, unknown"], client: "10.0.0.1", why: "what cannot be read ends the walk"),
        Chain(
            peer: "10.0.0.1", header: ["unknown, 198.51.100.1"], client: "198.51.100.1", why: "garbage before the client is the client's"),
        Chain(peer: "10.0.0.1", header: ["2001:db8::7"], client: "2001:db8::7", why: "IPv6"),
        Chain(peer: "::ffff:10.0.0.1", header: ["198.51.100.1"], client: "198.51.100.1", why: "a mapped proxy"),
        Chain(peer: "10.0.0.1", header: ["198.51.100.1,, ,\t"], client: "198.51.100.1", why: "empty elements are none (RFC 9110 §5.6.1.2)"),
        Chain(peer: "10.0.0.1", header: ["198.51.100.1\t"], client: "198.51.100.1", why: "a tab is white space too (RFC 9110 §5.6.3)"),
    ])
    func `the client is the nearest hop that is no listed proxy`(chain: Chain) throws {
        let proxies = try TrustedProxies(["10.0.0.0/8"])
        let peer = try #require(SocketAddress(host: chain.peer, port: 4711))
        #expect(proxies.client(of: peer, forwardedFor: chain.header).host == SocketAddress(host: chain.client)?.host)
    }

    @Test func `without a list nobody is believed`() throws {
        let peer = try #require(SocketAddress(host: "127.0.0.1", port: 1))
        #expect(try TrustedProxies([]).client(of: peer, forwardedFor: ["1.2.3.4"]) == peer)
    }
}
