internal import OpenSSL
internal import Sessions

/// One key of a key set (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
enum JSONWebKey {
    struct Fault: Error {
        let reason: String

        init(_ reason: String) { self.reason = reason }
    }

    /// Nil for a key that is for something else, or of a kind or for an algorithm that is not used here.
    static func entry(_ value: JSON) throws(Fault) -> TokenKeys.Entry? {
        guard let object = value.objectValue, let kind = object["kty"]?.stringValue else { throw Fault("a key is an object with kty") }
        guard isForSignatures(object) else { return nil }
        var algorithm: SignatureAlgorithm?
        if let name = object["alg"] {
            algorithm = name.stringValue.flatMap(SignatureAlgorithm.init(rawValue:))
            guard algorithm != nil else { return nil }
        }
        var id: String?
        if let name = object["kid"] {
            guard let text = name.stringValue else { throw Fault("kid is a string") }
            id = text
        }
        do throws(SignatureKeyError) {
            guard let key = try key(kind, object, algorithm) else { return nil }
            return TokenKeys.Entry(id: id, key: key)
        } catch {
            throw Fault(error.description)
        }
    }

    /// `use` is `sig`, or `key_ops` has `verify`, where they say anything (RFC 7517 §4.2, §4.3).
    private static func isForSignatures(_ object: JSONObject) -> Bool {
        if let use = object["use"], use != .string("sig") { return false }
        if let operations = object["key_ops"], !(operations.arrayValue?.contains(.string("verify")) ?? false) { return false }
        return true
    }

    private static func key(_ kind: String, _ object: JSONObject, _ algorithm: SignatureAlgorithm?) throws(SignatureKeyError)
        -> SignatureKey?
    {
        switch kind {
        case "oct":
            guard algorithm ?? .hs256 == .hs256 else { throw .wrongAlgorithm }
            return try SignatureKey(secret: bytes("k", of: object))
        case "RSA":
            return try SignatureKey(PublicKey(rsaModulus: bytes("n", of: object), exponent: bytes("e", of: object)), algorithm)
        case "EC":
            guard object["crv"]?.stringValue == "P-256" else { return nil }
            return try SignatureKey(PublicKey(p256X: bytes("x", of: object), y: bytes("y", of: object)), algorithm)
        case "OKP":
            guard object["crv"]?.stringValue == "Ed25519" else { return nil }
            return try SignatureKey(PublicKey(ed25519: bytes("x", of: object)), algorithm)
        default: return nil
        }
    }

    private static func bytes(_ name: String, of object: JSONObject) throws(SignatureKeyError) -> [UInt8] {
        guard let text = object[name]?.stringValue, let bytes = Base64URL.decode(Array(text.utf8).span), !bytes.isEmpty else {
            throw .invalid
        }
        return bytes
    }
}
