import Testing

@testable import websocket_gateway

@Suite struct GatewayURLTests {
    @Test func `a URL is taken apart`() throws {
        let url = try #require(GatewayURL("WSS://gateway.example.com:8443/ws/backtest/s~1"))
        #expect((url.scheme, url.host, url.port) == ("wss", "gateway.example.com", 8443))
        #expect(url.path == ["ws", "backtest", "s~1"])
        #expect(try #require(GatewayURL("https://[::1]")).host == "::1")
        #expect(try #require(GatewayURL("https://h/")).path.isEmpty)
    }

    @Test(arguments: [
        "", "gateway", "a:80", "wss:/a", "wss://", "wss://:80", "wss://a:", "wss://a:0", "wss://a:65536", "wss://a:-1", "wss://user@a",
        "wss://a?q", "wss://a#f", "wss://a/p?q", "wss://a b", "wss://a\u{0}b", "wss://ä", "wss://::1", "wss://[::1",
    ])
    func `what is more than that, or less, is none`(_ text: String) {
        #expect(GatewayURL(text) == nil)
    }

    @Test func `a host has 253 bytes at the most`() {
        #expect(GatewayURL("wss://" + String(repeating: "a", count: 253)) != nil)
        #expect(GatewayURL("wss://" + String(repeating: "a", count: 254)) == nil)
    }
}
