internal import EventLoop

/// The proxies whose `X-Forwarded-For` is believed. Anybody else's is ignored: a client could write any address into it.
struct TrustedProxies: Sendable {
    private struct Block: Sendable {
        let high: UInt64
        let low: UInt64
        let highMask: UInt64
        let lowMask: UInt64

        func contains(_ address: SocketAddress) -> Bool { address.high & highMask == high && address.low & lowMask == low }
    }

    private let blocks: [Block]

    init(_ texts: [String]) throws(SettingsError) {
        var blocks: [Block] = []
        for text in texts {
            guard let block = Self.block(text) else {
                throw SettingsError("trusted-proxies", "\"\(text)\" is not an address or a CIDR block, such as 10.0.0.0/8 or 2001:db8::/32")
            }
            blocks.append(block)
        }
        self.blocks = blocks
    }

    private static func block(_ text: String) -> Block? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = SocketAddress(host: parts[0]) else { return nil }
        let width = address.isIPv4 ? 32 : 128
        var length = width
        if parts.count == 2 {
            // Digits alone: Int takes a sign too.
            guard parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let parsed = Int(parts[1]), (0...width).contains(parsed) else {
                return nil
            }
            length = parsed
        }
        let bits = length + 128 - width
        let highMask: UInt64 = bits >= 64 ? .max : bits == 0 ? 0 : .max << UInt64(64 - bits)
        let lowMask: UInt64 = bits <= 64 ? 0 : .max << UInt64(128 - bits)
        return Block(high: address.high & highMask, low: address.low & lowMask, highMask: highMask, lowMask: lowMask)
    }

    func contains(_ address: SocketAddress) -> Bool { blocks.contains { $0.contains(address) } }

    /// RFC 9110 §5.6.3.
    private static func isWhitespace(_ character: Character) -> Bool { character == " " || character == "\t" }

    /// The client's address as the nearest untrusted hop: the last entry of `X-Forwarded-For` that is not a listed proxy.
    /// The peer's own where it is not a listed proxy, or where the header does not say.
    func client(of peer: SocketAddress, forwardedFor values: @autoclosure () -> [String]) -> SocketAddress {
        guard contains(peer) else { return peer }
        let hops = values().flatMap { $0.split(separator: ",") }
        for hop in hops.reversed() {
            let text = hop.drop(while: Self.isWhitespace).reversed().drop(while: Self.isWhitespace).reversed()
            // RFC 9110 §5.6.1.2: empty elements, white space among them, are none.
            if text.isEmpty { continue }
            // Some proxies add the port, and then brackets around an IPv6 address.
            guard let address = SocketAddress(host: String(text)) ?? SocketAddress(parsing: String(text)) else { return peer }
            if !contains(address) { return address }
        }
        return peer
    }
}
