internal import EventLoop
internal import OpenSSL
internal import Sessions

/// Where the keys come from. What cannot be used stops the start: a gateway that knows fewer keys than its operator believes turns clients away, and one
/// that takes the wrong thing for a secret lets them in.
extension TokenKeys {
    static let fileBytesMax = 65_536

    /// Nil where no keys are set. Of a key set by URL there are none yet: ``KeySetThread`` fetches them.
    static func read(_ settings: GatewaySettings) throws(SettingsError) -> TokenKeys? {
        let expected = TokenClaims.Expected(issuer: settings.tokenIssuer, audience: settings.tokenAudience)
        switch (settings.tokenSecretFile, settings.tokenKeySet) {
        case (nil, nil):
            guard expected == TokenClaims.Expected() else {
                throw SettingsError(
                    expected.issuer == nil ? "jwt-audience" : "jwt-issuer",
                    "no token is looked at without keys; pass --jwks or --jwt-secret-file")
            }
            return nil
        case (let file?, nil): return TokenKeys(entries: [try entry(secretFile: file)], expected: expected)
        case (nil, let url?) where KeySetSource.isURL(url): return TokenKeys(entries: [], expected: expected)
        case (nil, let file?): return TokenKeys(entries: try entries(keySet: file), expected: expected)
        case (_?, _?): throw SettingsError("jwks", "jwt-secret-file is set as well; one of them has the keys")
        }
    }

    private static func contents(_ file: String, _ setting: String) throws(SettingsError) -> [UInt8] {
        do throws(SystemError) {
            return try SmallFile.read(file, bytesMax: fileBytesMax)
        } catch {
            throw SettingsError(setting, "\(error)")
        }
    }

    /// A secret for HS256, or a public key in PEM: that is no secret, and taken for one anybody could sign (RFC 8725 §2.1).
    private static func entry(secretFile file: String) throws(SettingsError) -> Entry {
        var bytes = try contents(file, "jwt-secret-file")
        do throws(SignatureKeyError) {
            if isPEM(bytes) { return Entry(id: nil, key: try SignatureKey(PublicKey(pem: bytes))) }
            // The line's end that an editor adds is no part of it.
            if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
            if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
            return Entry(id: nil, key: try SignatureKey(secret: bytes))
        } catch {
            throw SettingsError("jwt-secret-file", "\(file): \(error)")
        }
    }

    private static func isPEM(_ bytes: [UInt8]) -> Bool { String(decoding: bytes, as: UTF8.self).utf8Contains("-----BEGIN ") }

    private static func entries(keySet file: String) throws(SettingsError) -> [Entry] {
        try entries(in: try contents(file, "jwks")) { SettingsError("jwks", "\(file): \($0)") }
    }

    /// RFC 7517 §5. Keys for other purposes and of kinds unknown here are passed over, as the RFC wants; those that should do and do not are errors.
    static func entries(in bytes: [UInt8], _ refuse: (String) -> SettingsError) throws(SettingsError) -> [Entry] {
        guard let keys = StrictJSON.object(bytes.span)?["keys"]?.arrayValue else {
            throw refuse("it is not a key set, {\"keys\": […]} with each name once (RFC 7517 §5)")
        }
        var entries: [Entry] = []
        for (index, key) in keys.enumerated() {
            do throws(JSONWebKey.Fault) {
                guard let entry = try JSONWebKey.entry(key) else { continue }
                entries.append(entry)
            } catch {
                throw refuse("keys[\(index)]: \(error.reason)")
            }
        }
        guard !entries.isEmpty else { throw refuse("it has no key that signs tokens with \(SignatureAlgorithm.names)") }
        guard entries.count <= countMax else { throw refuse("it has \(entries.count) keys; at most \(countMax) are used") }
        for (index, entry) in entries.enumerated()
        where entries[..<index].contains(where: { $0.key.algorithm == entry.key.algorithm && $0.hasSameID(as: entry) }) {
            throw refuse("two keys have the kid \"\(entry.id ?? "")\"")
        }
        return entries
    }
}

extension SignatureAlgorithm {
    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

extension String {
    /// By bytes: in Characters a combining mark would hide the last one.
    func utf8Contains(_ other: StaticString) -> Bool {
        let (text, wanted) = (Array(utf8), other.withUTF8Buffer { unsafe Array($0) })
        guard text.count >= wanted.count else { return false }
        return (0...(text.count - wanted.count)).contains { text[$0..<($0 + wanted.count)].elementsEqual(wanted) }
    }
}
