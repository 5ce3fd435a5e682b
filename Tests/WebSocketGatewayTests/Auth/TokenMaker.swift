import OpenSSL

@testable import WebSocketGateway

/// Signs tokens as an issuer does, with HS256.
struct TokenMaker: Sendable {
    let secret: [UInt8]

    init(_ letter: Character = "s") { secret = Array(String(repeating: letter, count: 40).utf8) }

    func token(_ claims: String, header: String = #"{"alg":"HS256","typ":"JWT"}"#) -> String {
        let signed = "\(Base64URL.encode(Array(header.utf8))).\(Base64URL.encode(Array(claims.utf8)))"
        return "\(signed).\(Base64URL.encode(code(of: Array(signed.utf8))))"
    }

    /// RFC 2104.
    private func code(of message: [UInt8]) -> [UInt8] {
        let key = secret + [UInt8](repeating: 0, count: 64 - secret.count)
        return SHA256.digest((key.map { $0 ^ 0x5C } + SHA256.digest((key.map { $0 ^ 0x36 } + message).span)).span)
    }

    func keys(_ expected: TokenClaims.Expected = .init(), id: String? = nil) throws -> TokenKeys {
        TokenKeys(entries: [.init(id: id, key: try SignatureKey(secret: secret))], expected: expected)
    }
}
