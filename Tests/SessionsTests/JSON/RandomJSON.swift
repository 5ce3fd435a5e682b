import Sessions

/// Random values and random damage, for property tests.
enum RandomJSON {
    static func value(_ generator: inout SeededGenerator, depth: Int = 0) -> JSON {
        switch Int.random(in: 0..<(depth < 6 ? 8 : 5), using: &generator) {
        case 0: .null
        case 1: .bool(Bool.random(using: &generator))
        case 2: .int(Int64(bitPattern: generator.next()) >> Int64.random(in: 0..<64, using: &generator))
        case 3: .double(double(&generator))
        case 4: .string(string(&generator))
        case 5: .array((0..<Int.random(in: 0..<5, using: &generator)).map { _ in value(&generator, depth: depth + 1) })
        default: .object(object(&generator, depth: depth + 1))
        }
    }

    static func object(_ generator: inout SeededGenerator, depth: Int = 0) -> JSONObject {
        JSONObject((0..<Int.random(in: 0..<5, using: &generator)).map { ("\($0)" + string(&generator), value(&generator, depth: depth)) })
    }

    /// Up to four bytes flipped, replaced, inserted, dropped or repeated; JSON's own characters come more often than others.
    static func damage(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let index = Int.random(in: 0...bytes.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0 where index < bytes.count: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1 where index < bytes.count: bytes[index] = interesting(&generator)
            case 2 where index < bytes.count: bytes.remove(at: index)
            case 3 where index < bytes.count: bytes.removeLast(bytes.count - index)
            default: bytes.insert(interesting(&generator), at: index)
            }
        }
    }

    private static func interesting(_ generator: inout SeededGenerator) -> UInt8 {
        let structure = Array("{}[]\",:\\u0018dDeE+-. \n\rtfn/".utf8)
        return Bool.random(using: &generator) ? structure.randomElement(using: &generator)! : UInt8.random(in: 0...255, using: &generator)
    }

    private static func double(_ generator: inout SeededGenerator) -> Double {
        let double = Double(bitPattern: generator.next())
        return double.isFinite ? double : 0.1
    }

    private static func string(_ generator: inout SeededGenerator) -> String {
        let characters: [Character] = [
            "a", "Z", "0", " ", "\"", "\\", "/", "\n", "\r", "\t", "\u{0}", "\u{1F}", "\u{7F}", "é", "€", "𝄞", "\u{FFFD}",
        ]
        return String((0..<Int.random(in: 0..<20, using: &generator)).map { _ in characters.randomElement(using: &generator)! })
    }
}
