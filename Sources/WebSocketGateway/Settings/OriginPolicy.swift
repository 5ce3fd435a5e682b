/// Which pages may open a socket here. Browsers send `Origin` and cannot forge it; other programs send none.
struct OriginPolicy: Sendable {
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
            for origin in allowed where Self.parts(origin) == nil {
                throw SettingsError("allowed-origins", "\"\(origin)\" is not an origin, such as https://app.example.com")
            }
            rule = .listed(Set(allowed.map { $0.lowercased() }))
        }
    }

    /// Exact comparison of scheme, host and port; a request without `Origin` does not come from a page.
    func allows(_ origin: String?) -> Bool {
        switch (rule, origin) {
        case (.everybody, _), (_, nil): true
        case (.listed(let origins), let origin?): origins.contains(origin.lowercased())
        case (.loopbackPages, let origin?):
            switch Self.parts(origin)?.host {
            case "localhost", "127.0.0.1", "[::1]": true
            default: false
            }
        }
    }

    /// Scheme and host of `scheme://host[:port]`, nil for anything else.
    private static func parts(_ origin: String) -> (scheme: Substring, host: Substring)? {
        guard let separator = origin.firstRange(of: "://") else { return nil }
        let scheme = origin[..<separator.lowerBound]
        let rest = origin[separator.upperBound...]
        guard !scheme.isEmpty, !rest.isEmpty, !rest.contains("/"), !rest.contains("@") else { return nil }
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            let host = rest[...end]
            let port = rest[rest.index(after: end)...]
            return port.isEmpty || isPort(port) ? (scheme, host) : nil
        }
        guard let colon = rest.firstIndex(of: ":") else { return (scheme, rest) }
        return isPort(rest[colon...]) && colon != rest.startIndex ? (scheme, rest[..<colon]) : nil
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.first == ":" && text.dropFirst().utf8.allSatisfy { (48...57).contains($0) } && UInt16(text.dropFirst()) != nil
    }
}
