internal import HTTP

/// Which pages may open a socket here. Browsers send `Origin` and cannot forge it; other programs send none.
struct OriginPolicy: Sendable {
    /// Every origin is answered alike.
    var allowsEverybody: Bool { if case .everybody = rule { true } else { false } }

    private enum Rule: Sendable {
        case everybody
        case loopbackPages
        case listed(Set<String>)
    }

    private let rule: Rule

    init(_ allowed: [String], onLoopback: Bool) throws(SettingsError) {
        if allowed.contains("*") {
            rule = .everybody
        } else if allowed.isEmpty {
            rule = onLoopback ? .loopbackPages : .listed([])
        } else {
            for origin in allowed where Self.host(of: origin.utf8.span) == nil {
                throw SettingsError("allowed-origins", "\"\(origin)\" is not an origin, such as https://app.example.com")
            }
            rule = .listed(Set(allowed.map { $0.lowercased() }))
        }
    }

    /// Exact comparison of scheme, host and port. Only of a request that has an `Origin`: one without does not come from a page.
    func allows(_ origin: Span<UInt8>) -> Bool {
        switch rule {
        case .everybody: return true
        case .listed(let origins):
            return unsafe origins.contains(origin.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }.lowercased())
        case .loopbackPages:
            guard let range = Self.host(of: origin) else { return false }
            let host = origin.extracting(range)
            return host.equals("localhost") || host.equals("127.0.0.1") || host.equals("[::1]")
        }
    }

    /// Where the host is in `scheme://host[:port]`; nil for anything else.
    private static func host(of origin: Span<UInt8>) -> Range<Int>? {
        guard let colon = index(of: ":", in: origin, from: 0), colon > 0, origin.count > colon + 3,
            origin.extracting(colon..<colon + 3).equals("://")
        else { return nil }
        let start = colon + 3
        let isLiteral = origin[start] == UInt8(ascii: "[")
        var end = start
        while end < origin.count, origin[end] != UInt8(ascii: isLiteral ? "]" : ":") {
            if origin[end] == UInt8(ascii: "/") || origin[end] == UInt8(ascii: "@") { return nil }
            end += 1
        }
        if isLiteral {
            guard end < origin.count else { return nil }
            end += 1
        }
        return end > start && isNothingOrPort(origin.extracting(end...)) ? start..<end : nil
    }

    private static func index(of byte: Unicode.Scalar, in bytes: Span<UInt8>, from start: Int) -> Int? {
        for index in start..<bytes.count where bytes[index] == UInt8(ascii: byte) { return index }
        return nil
    }

    private static func isNothingOrPort(_ rest: Span<UInt8>) -> Bool {
        if rest.isEmpty { return true }
        guard rest[0] == UInt8(ascii: ":"), rest.count > 1 else { return false }
        var port = 0
        for index in 1..<rest.count {
            guard case let digit = rest[index] &- UInt8(ascii: "0"), digit <= 9 else { return false }
            port = port * 10 + Int(digit)
            guard port <= 65_535 else { return false }
        }
        return true
    }
}
