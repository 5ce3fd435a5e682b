import Testing

@testable import HTTP

struct FieldLineTests {
    private func parts(_ line: String) throws(HTTPViolation) -> [String] {
        let bytes = [UInt8](line.utf8)
        let field = try FieldLine(0..<bytes.count, of: bytes.span)
        return [field.name, field.value].map { String(decoding: bytes[$0], as: UTF8.self) }
    }

    @Test(arguments: [
        ("Host: a", ["Host", "a"]), ("Host:a", ["Host", "a"]), ("Host:", ["Host", ""]), ("Host: \t ", ["Host", ""]),
        ("Host:\ta b\t ", ["Host", "a b"]), ("a:b:c", ["a", "b:c"]), ("a::", ["a", ":"]),
    ])
    func `a header line is a token, a colon and a value without white space around`(line: String, expected: [String]) throws {
        #expect(try parts(line) == expected)
    }

    /// Eight bytes are looked at a time: every byte at each place.
    @Test func `a name is made of token bytes, wherever they stand`() {
        let name = [UInt8]("a-Header_of-18.Bytes".utf8)
        for place in name.indices {
            for byte in UInt8.min ... .max where !byte.isControl {
                var bytes = name
                bytes[place] = byte
                bytes += [UInt8](": value".utf8)
                let field = try? FieldLine(0..<bytes.count, of: bytes.span)
                let end = byte == .colon ? place : byte.isToken ? name.count : nil
                #expect(field?.name == (end == 0 ? nil : end.map { 0..<$0 }), "\(byte) at \(place)")
            }
        }
    }

    @Test(
        arguments: [
            (" a: b", .fieldFolded), ("\ta", .fieldFolded), ("a : b", .fieldNameFollowedBySpace), ("a", .fieldColonMissing),
            (":", .fieldNameMalformed),
            ("a b: c", .fieldNameMalformed), ("a b", .fieldColonMissing), ("\"a\": b", .fieldNameMalformed), ("é: b", .fieldNameMalformed),
        ] as [(String, HTTPViolation)])
    func `another line is refused for its rule`(line: String, violation: HTTPViolation) {
        #expect(throws: violation) { try parts(line) }
    }
}
