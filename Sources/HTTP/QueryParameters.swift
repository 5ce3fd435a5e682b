/// The parameters of a query, decoded strictly: whatever two readers could understand differently is an error.
package struct QueryParameters: Sendable {
    package static let parametersMax = 32

    private var parameters: [(name: String, value: String)] = []

    /// Splits at `&` and the first `=`, and percent-decodes (RFC 3986 §2.1). `+` stays `+`: it is a space only in forms, and ids and
    /// tokens may hold one. A parameter without `=` is empty; empty pieces (`a=1&&b=2`) are skipped.
    package init(_ query: String?) throws(QueryError) {
        guard let query else { return }
        let pieces = query.utf8.split(separator: UInt8(ascii: "&"))
        guard pieces.count <= Self.parametersMax else { throw .tooMany }
        for piece in pieces {
            let equals = piece.firstIndex(of: UInt8(ascii: "=")) ?? piece.endIndex
            let rawName = piece[..<equals]
            let shownName = String(decoding: rawName, as: UTF8.self)
            let name = try Self.decoded(rawName, of: shownName)
            let value = try Self.decoded(piece[equals...].dropFirst(), of: shownName)
            guard !name.isEmpty else { throw .nameEmpty }
            guard first(name) == nil else { throw .duplicate(name) }
            parameters.append((name, value))
        }
    }

    package var names: [String] { parameters.map(\.name) }

    /// The decoded value, which may hold any character, controls included.
    package func first(_ name: String) -> String? {
        parameters.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    private static func decoded(_ raw: Substring.UTF8View, of name: String) throws(QueryError) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(raw.count)
        var rest = raw.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.next()?.hexadecimalValue, let low = rest.next()?.hexadecimalValue else { throw .escapeMalformed(name) }
            bytes.append(high << 4 | low)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8(name) }
        return text
    }
}
