internal import OpenSSL

/// A key that was just made: for the engine, and as the line for the gateway's file.
package struct NewAPIKey: Sendable {
    /// Tells what it is, where somebody finds it, and 32 random bytes.
    package let key: String
    /// Without its end.
    package let line: String

    /// Nil where the name is none.
    package init?(name: String, scopes: [APIScope], using random: inout some RandomNumberGenerator) {
        guard APIKeys.isName(Array(name.utf8)), !scopes.isEmpty else { return nil }
        key = "wsg_" + Base64URL.encode((0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
        let hash = SHA256.digest(key.utf8.span).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        line = "\(name) \(scopes.map(\.rawValue).joined(separator: ",")) \(hash)"
    }

    package static let nameRule = "1 to \(APIKeys.nameBytesMax) of A-Z a-z 0-9 . _ -"
}
