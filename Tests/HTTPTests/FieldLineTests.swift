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
