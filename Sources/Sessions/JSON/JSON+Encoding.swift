extension JSON {
    /// The value as compact JSON text.
    public var encoded: String {
        var bytes: [UInt8] = []
        appendEncoded(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends ``encoded`` as UTF-8. Doubles are written shortest such that they read back the same; NaN and infinities as `null`.
    public func appendEncoded(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let bool): bytes.append(contentsOf: (bool ? "true" : "false").utf8)
        case .int(let int):
            if int < 0 { bytes.append(UInt8(ascii: "-")) }
            bytes.append(decimal: UInt64(int.magnitude))
        case .double(let double):
            bytes.append(contentsOf: (double.isFinite ? double.description : "null").utf8)
        case .string(let string):
            JSONText.appendQuoted(string, to: &bytes)
        case .array(let array):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in array.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                element.appendEncoded(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let object):
            object.appendEncoded(to: &bytes)
        }
    }
}

extension JSONObject {
    /// The object as compact JSON text.
    public var encoded: String { JSON.object(self).encoded }

    /// Appends ``encoded`` as UTF-8.
    public func appendEncoded(to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        for (index, member) in members.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            JSONText.appendQuoted(member.key, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            member.value.appendEncoded(to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }
}
