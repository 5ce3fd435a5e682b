import Testing

@testable import HTTP

struct FieldSectionTests {
    /// Of 1, 2, 62, 63, 64, 65 and 127 bytes: lengths are told apart up to 62.
    private static let names: [StaticString] = [
        "a", "ab",
        "x-23456789-23456789-23456789-23456789-23456789-23456789-234567",
        "x-23456789-23456789-23456789-23456789-23456789-23456789-2345678",
        "x-23456789-23456789-23456789-23456789-23456789-23456789-23456789",
        "x-23456789-23456789-23456789-23456789-23456789-23456789-23456789-",
        "x-23456789-23456789-23456789-23456789-23456789-23456789-23456789-23456789-23456789-23456789-23456789-23456789-23456789-23456789",
    ]

    private static let nothing = ["", "-", "-", "-", "0", "false", "false"]

    private func section(_ names: [StaticString]) throws -> FieldSection {
        var bytes: [UInt8] = []
        var lines: [FieldLine] = []
        for name in names {
            let start = bytes.count
            bytes += [UInt8]("\(name): \(name.utf8CodeUnitCount)".utf8)
            lines.append(try FieldLine(start..<bytes.count, of: bytes.span))
            bytes += [13, 10]
        }
        return FieldSection(bytes: bytes, lines: lines)
    }

    /// Every lookup's answer, as text: all of them must agree on what is there.
    private func answers(_ name: StaticString, in section: FieldSection) -> [String] {
        let isFirst = section.first(name) { value, count in value.count > 0 && count == 1 }
        return [
            section.values(name).joined(separator: ","), section.first(name) ?? "-", isFirst.map { "\($0)" } ?? "-",
            section.range(name).map(section.string) ?? "-", "\(section.count(name))", "\(section.contains(name))",
            "\(section.has(name, token: "63") || section.has(name, token: "127"))",
        ]
    }

    @Test func `a field is found by its name however long that is, among others and alone, and no other is`() throws {
        for present in Self.names {
            for section in try [section([present]), section([present, "zz"]), section(["yyyyyyy", present])] {
                for asked in Self.names {
                    let count = asked.utf8CodeUnitCount
                    let isThere = count == present.utf8CodeUnitCount
                    let value = "\(count)"
                    let found = [value, value, "true", value, "1", "true", "\(count == 63 || count == 127)"]
                    let expected = isThere ? found : Self.nothing
                    #expect(answers(asked, in: section) == expected, "\(count) bytes where there is \(present)")
                }
            }
        }
    }

    @Test func `where no field is, none is found`() throws {
        let section = try section([])
        for asked in Self.names { #expect(answers(asked, in: section) == Self.nothing) }
    }
}
