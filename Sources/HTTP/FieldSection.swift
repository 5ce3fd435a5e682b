/// The bytes of a message head, and where its fields lie in them. Names are compared without case; values are made Strings when asked for.
struct FieldSection: Sendable {
    let bytes: [UInt8]
    let lines: [FieldLine]
    /// A bit for each length that a name here has, the highest for 63 and more: most of what is asked for is not there, and its length neither.
    private let nameCounts: UInt64

    init(bytes: [UInt8], lines: [FieldLine]) {
        self.bytes = bytes
        self.lines = lines
        nameCounts = lines.reduce(0) { $0 | Self.bit(ofCount: $1.nameCount) }
    }

    private static func bit(ofCount count: Int) -> UInt64 { 1 &<< UInt64(min(count, 63)) }

    private func mayHave(_ name: StaticString) -> Bool { nameCounts & Self.bit(ofCount: name.utf8CodeUnitCount) != 0 }

    /// Every value of the field, in order. Bytes that are not UTF-8 become U+FFFD.
    func values(_ name: StaticString) -> [String] {
        guard mayHave(name) else { return [] }
        var values: [String] = []
        for line in lines where isNamed(name, line) { values.append(string(line.value)) }
        return values
    }

    func first(_ name: StaticString) -> String? {
        guard mayHave(name) else { return nil }
        return lines.first { isNamed(name, $0) }.map { string($0.value) }
    }

    /// Whether the first value's bytes, and the number of lines that the field stands on, satisfy the condition, for those who need no String; nil when
    /// there is no such field.
    func first(_ name: StaticString, satisfies condition: (_ value: Span<UInt8>, _ count: Int) -> Bool) -> Bool? {
        guard mayHave(name) else { return nil }
        var value: Range<Int>?
        var count = 0
        for line in lines where isNamed(name, line) {
            if count == 0 { value = line.value }
            count += 1
        }
        guard let value else { return nil }
        return condition(bytes.span.extracting(value), count)
    }

    /// Where the first value stands in ``bytes``.
    func range(_ name: StaticString) -> Range<Int>? {
        guard mayHave(name) else { return nil }
        for line in lines where isNamed(name, line) { return line.value }
        return nil
    }

    func count(_ name: StaticString) -> Int {
        guard mayHave(name) else { return 0 }
        var count = 0
        for line in lines where isNamed(name, line) { count += 1 }
        return count
    }

    func contains(_ name: StaticString) -> Bool {
        mayHave(name) && lines.contains { isNamed(name, $0) }
    }

    /// Whether a comma-separated list (RFC 9110 §5.6.1) of that name, on one line or several, holds the token.
    func has(_ name: StaticString, token: StaticString) -> Bool {
        mayHave(name) && lines.contains { isNamed(name, $0) && list($0.value, contains: token) }
    }

    func string(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    private func isNamed(_ name: StaticString, _ line: FieldLine) -> Bool { line.isNamed(name, in: bytes.span) }

    private func list(_ range: Range<Int>, contains token: StaticString) -> Bool {
        let value = bytes.span.extracting(range)
        // Nearly all lists are one token.
        if value.equalsIgnoringCase(token) { return true }
        var start = 0
        while start <= value.count {
            let end = value.firstIndex(of: .comma, from: start) ?? value.count
            if value.extracting(value.trimmingWhitespace(start..<end)).equalsIgnoringCase(token) { return true }
            start = end + 1
        }
        return false
    }
}
