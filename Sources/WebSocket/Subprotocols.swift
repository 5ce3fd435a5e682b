/// Sec-WebSocket-Protocol: what a client offers, of which we may take one (RFC 6455 §1.9, §4.1 item 10, §11.3.4).
package enum Subprotocols {
    /// The first of ours that the client offers, nil for none. Field values may be spread over several lines.
    package static func select(from values: [String], ours: [String]) throws(HandshakeRejection) -> String? {
        guard !values.isEmpty else { return nil }
        // Nearly everybody who offers any: ours, and nothing else.
        if values.count == 1, let offered = ours.first(where: { $0 == values[0] }) { return offered }
        // A set, as a head may hold thousands of names and comparing each with each is work a peer could order.
        var offered: Set<Substring> = []
        for value in values {
            // Empty elements are passed over (RFC 9110 §5.6.1.2).
            for element in value.split(separator: ",") {
                let name = trimmed(element)
                if name.isEmpty { continue }
                guard name.utf8.allSatisfy(Token.isTokenByte), offered.insert(name).inserted else {
                    throw .malformedSubprotocol
                }
            }
        }
        guard !offered.isEmpty else { throw .malformedSubprotocol }
        return ours.first { offered.contains(Substring($0)) }
    }

    private static func trimmed(_ element: Substring) -> Substring {
        var element = element
        while let first = element.utf8.first, first == 0x20 || first == 0x09 { element = Substring(element.utf8.dropFirst()) }
        while let last = element.utf8.last, last == 0x20 || last == 0x09 { element = Substring(element.utf8.dropLast()) }
        return element
    }
}
