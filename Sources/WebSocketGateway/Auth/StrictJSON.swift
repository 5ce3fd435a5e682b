internal import Sessions

/// JSON that two readers cannot understand differently: what is signed, and what says how it is signed.
enum StrictJSON {
    /// One object, none of whose objects has a key twice (RFC 7515 §4, RFC 7519 §4). Nil for anything else.
    static func object(_ text: Span<UInt8>) -> JSONObject? {
        guard let value = try? JSON.parse(text), let object = value.objectValue, hasUniqueKeys(value) else { return nil }
        return object
    }

    /// A token's objects are small: comparing each with each is quicker than hashing them. By bytes (RFC 8259 §8.3).
    private static func hasUniqueKeys(_ object: JSONObject) -> Bool {
        let members = object.members
        guard members.count <= 16 else { return Set(object.keys.map { Array($0.utf8) }).count == members.count }
        for index in members.indices {
            for earlier in 0..<index where members[earlier].key.utf8.elementsEqual(members[index].key.utf8) { return false }
        }
        return true
    }

    /// The recursion ends where parsing does: at 64 levels.
    private static func hasUniqueKeys(_ value: JSON) -> Bool {
        switch value {
        case .object(let object): hasUniqueKeys(object) && object.members.allSatisfy { hasUniqueKeys($0.value) }
        case .array(let elements): elements.allSatisfy(hasUniqueKeys)
        case .null, .bool, .int, .double, .string: true
        }
    }
}
