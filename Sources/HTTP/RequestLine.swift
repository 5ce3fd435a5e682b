/// `method SP request-target SP HTTP-version` (RFC 9112 §3), with exactly one space at either place.
struct RequestLine: Sendable {
    let method: HTTPMethod
    let path: Range<Int>
    let query: Range<Int>?
    let version: HTTPVersion

    init(_ line: Range<Int>, of bytes: Span<UInt8>) throws(HTTPViolation) {
        let text = bytes.extracting(line)
        guard let firstSpace = text.firstIndex(of: .space),
            let secondSpace = text.firstIndex(of: .space, from: firstSpace + 1),
            text.firstIndex(of: .space, from: secondSpace + 1) == nil,
            firstSpace > 0, secondSpace > firstSpace + 1
        else { throw .requestLineMalformed }

        let methodBytes = text.extracting(0..<firstSpace)
        guard methodBytes.allSatisfy(\.isToken) else { throw .methodMalformed }
        let target = text.extracting(firstSpace + 1..<secondSpace)
        let questionMark = try Self.questionMark(inTarget: target)
        let version = try HTTPVersion(text.extracting(secondSpace + 1..<text.count))
        guard let method = HTTPMethod(methodBytes) else { throw .methodUnknown }

        let targetStart = line.lowerBound + firstSpace + 1
        let targetEnd = line.lowerBound + secondSpace
        self.method = method
        self.version = version
        if let questionMark {
            path = targetStart..<targetStart + questionMark
            query = targetStart + questionMark + 1..<targetEnd
        } else {
            path = targetStart..<targetEnd
            query = nil
        }
        // Old load balancers check health with 1.0; nothing else we serve has an answer for a client without keep-alive and upgrades.
        if version == .http10, !bytes.extracting(path).equals("/healthz") { throw .versionNotSupported }
    }

    /// Origin-form only (§3.2.1): absolute, authority and asterisk forms are for proxies. Fragments are never sent (RFC 9110 §4.2.5).
    private static func questionMark(inTarget target: Span<UInt8>) throws(HTTPViolation) -> Int? {
        guard target[0] == UInt8(ascii: "/") else { throw .targetNotOriginForm }
        var questionMark: Int?
        for index in target.indices {
            let byte = target[index]
            guard byte.isVisible, byte != UInt8(ascii: "#") else { throw .targetByteNotAllowed }
            if byte == UInt8(ascii: "?"), questionMark == nil { questionMark = index }
        }
        return questionMark
    }
}
