/// As much of a URL (RFC 3986) as a tool takes: scheme, host, port and path. No user, no query, no fragment.
struct GatewayURL: Equatable {
    /// As it was written, in lower case.
    let scheme: String
    /// A name or a numeric address, without brackets.
    let host: String
    let port: UInt16?
    /// Between the slashes.
    let path: [String]

    init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return nil }
        let rest = text[colon...].dropFirst(3)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        guard let (host, port) = Self.authority(rest[..<slash]), !rest[slash...].contains(where: { $0 == "?" || $0 == "#" }) else {
            return nil
        }
        scheme = text[..<colon].lowercased()
        (self.host, self.port) = (host, port)
        path = rest[slash...].split(separator: "/").map(String.init)
    }

    /// `HOST`, `HOST:PORT`, `[IPv6]:PORT`; the port is 1 to 65535.
    static func authority(_ text: Substring) -> (host: String, port: UInt16?)? {
        var (host, port) = (text, UInt16?.none)
        if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
            let digits = text[text.index(after: colon)...]
            guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let number = UInt16(digits), number > 0 else { return nil }
            (host, port) = (text[..<colon], number)
        }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, host.utf8.count <= hostBytesMax,
            host.utf8.allSatisfy({ isOfHost($0) || isBracketed && $0 == UInt8(ascii: ":") })
        else { return nil }
        return (String(host), port)
    }

    /// RFC 1035 §2.3.4.
    private static let hostBytesMax = 253

    /// It goes into requests and messages as it is.
    private static func isOfHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
        }
    }
}
