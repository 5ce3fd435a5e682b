import EventLoop

@testable import WebSocketGateway

/// Input: the values of `X-Forwarded-For` and `Origin`, one a line; the same lines as an operator's settings.
enum AddressesTarget: FuzzTarget {
    static let name = "addresses"

    static func run(_ input: [UInt8]) {
        let lines = input.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
        for line in lines {
            address(line)
            endpoint(line)
            origin(line)
            block(line)
        }
        forwarded(lines)
    }

    private static func address(_ text: String) {
        guard let address = SocketAddress(host: text, port: 7) else { return }
        requireEqual(SocketAddress(host: address.host, port: 7), address, "an address reads back the same")
        require(!address.host.hasControlCharacters && address.host.utf8.count <= 45, "an address is written short and clean")
    }

    private static func endpoint(_ text: String) {
        guard let address = SocketAddress(parsing: text) else { return }
        requireEqual(SocketAddress(parsing: address.description), address, "an address with its port reads back the same")
    }

    private static func block(_ text: String) {
        guard let proxies = try? TrustedProxies([text]) else { return }
        guard let slash = text.firstIndex(of: "/"), let address = SocketAddress(host: text[..<slash]) else { return }
        require(proxies.contains(address), "a block contains the address that names it")
        let isWhole = Int(text[text.index(after: slash)...]) == 0
        let other = SocketAddress(high: ~address.high, low: ~address.low, port: 0)
        require(isWhole || !proxies.contains(other), "a block does not contain what differs in every bit")
    }

    private static func forwarded(_ values: [String]) {
        guard let proxies = try? TrustedProxies(["10.0.0.0/8", "::1", "2001:db8::/33"]),
            let proxy = SocketAddress(host: "10.1.2.3", port: 5),
            let stranger = SocketAddress(host: "192.0.2.1", port: 5)
        else { fatalError("addresses and blocks") }
        requireEqual(proxies.client(of: stranger, forwardedFor: values), stranger, "a stranger's word is not taken")
        let client = proxies.client(of: proxy, forwardedFor: values)
        require(client == proxy || !proxies.contains(client), "a client behind proxies is no proxy")
    }

    private static func origin(_ text: String) {
        for isLoopback in [true, false] {
            guard let closed = try? OriginPolicy([], onLoopback: isLoopback) else { fatalError("no origins are a policy") }
            let isLocal = ["localhost", "127.0.0.1", "[::1]"].contains { text.contains("://" + $0) }
            require(!closed.allows(text.utf8.span) || isLoopback && isLocal, "without a list only loopback pages are allowed")
        }
        guard let listed = try? OriginPolicy(["https://app.example.com", "http://[2001:db8::1]:8080"], onLoopback: true) else {
            fatalError("two origins are a policy")
        }
        require(
            !listed.allows(text.utf8.span) || ["https://app.example.com", "http://[2001:db8::1]:8080"].contains(text.lowercased()),
            "a list is exact")
        guard let own = try? OriginPolicy([text], onLoopback: false) else { return }
        require(own.allows(text.utf8.span), "an origin in the list is allowed")
    }
}
