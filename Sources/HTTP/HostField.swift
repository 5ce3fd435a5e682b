/// `Host = uri-host [ ":" port ]` (RFC 9110 §7.2, RFC 3986 §3.2.2).
/// An empty host is refused, which the RFC leaves for targets without authority.
package enum HostField {
    private static let portDigitsMax = 5

    static func check(_ value: Span<UInt8>) throws(HTTPViolation) {
        guard !value.isEmpty else { throw .hostMalformed }
        let isLiteral = value[0] == UInt8(ascii: "[")
        let hostEnd = isLiteral ? literalEnd(value) : nameEnd(value)
        guard let hostEnd, isPort(value.extracting(hostEnd..<value.count)) else { throw .hostMalformed }
    }

    /// After the `]` of an IPv6 address; its digits are not counted, nobody here connects to it.
    private static func literalEnd(_ value: Span<UInt8>) -> Int? {
        guard let bracket = value.firstIndex(of: UInt8(ascii: "]")), bracket > 1 else { return nil }
        let address = value.extracting(1..<bracket)
        let isAddress = address.allSatisfy { $0.hexadecimalValue != nil || $0 == .colon || $0 == UInt8(ascii: ".") }
        return isAddress ? bracket + 1 : nil
    }

    private static func nameEnd(_ value: Span<UInt8>) -> Int? {
        let end = value.firstIndex(of: .colon) ?? value.count
        let isName = end > 0 && value.extracting(0..<end).allSatisfy(\.isRegisteredName)
        return isName ? end : nil
    }

    /// Whether a checked value names a machine by number, or this machine as `localhost`: no name that a resolver could be made to lie about.
    package static func isNumericOrLocal(_ value: Span<UInt8>) -> Bool {
        guard !value.isEmpty else { return false }
        if value[0] == UInt8(ascii: "[") { return true }
        let name = value.extracting(..<(value.firstIndex(of: .colon) ?? value.count))
        return isIPv4(name) || name.equalsIgnoringCase("localhost")
    }

    /// Four numbers of 0 to 255 in as few digits as they need (RFC 3986 §3.2.2).
    private static func isIPv4(_ name: Span<UInt8>) -> Bool {
        var (numbers, number, digits) = (1, 0, 0)
        for index in name.indices {
            if name[index] == UInt8(ascii: ".") {
                guard digits > 0, numbers < 4 else { return false }
                (numbers, number, digits) = (numbers + 1, 0, 0)
            } else {
                guard name[index].isDigit, digits == 0 || number > 0 else { return false }
                number = number * 10 + Int(name[index] - UInt8(ascii: "0"))
                digits += 1
                guard number <= 255 else { return false }
            }
        }
        return numbers == 4 && digits > 0
    }

    /// Nothing, or a colon and digits. `host:` is legal: port = *DIGIT.
    private static func isPort(_ rest: Span<UInt8>) -> Bool {
        if rest.isEmpty { return true }
        return rest[0] == .colon && rest.count <= 1 + portDigitsMax && rest.extracting(1..<rest.count).allSatisfy(\.isDigit)
    }
}
