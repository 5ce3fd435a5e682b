internal import Sessions

/// JSON that two readers cannot understand differently: what is signed, and what says how it is signed.
enum StrictJSON {
    /// One object, none of whose objects has a key twice (RFC 7515 §4, RFC 7519 §4). Nil for anything else.
    static func object(_ text: Span<UInt8>) -> JSONObject? {
        guard let value = try? JSON.parse(text), let object = value.objectValue, hasUniqueKeys(value) else { return nil }
        return object
    }

    /// The recursion ends where parsing does: at 64 levels.
    private static func hasUniqueKeys(_ value: JSON) -> Bool {
        switch value {
        case .object(let object):
            Set(object.keys).count == object.count && object.members.allSatisfy { hasUniqueKeys($0.value) }
        case .array(let elements): elements.allSatisfy(hasUniqueKeys)
        case .null, .bool, .int, .double, .string: true
        }
    }
}
