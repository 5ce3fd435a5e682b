import Sessions

@testable import WebSocketGateway

/// Input: one short text, read as every identifier, word and time there is.
enum IdentifiersTarget: FuzzTarget {
    static let name = "identifiers"

    static func run(_ input: [UInt8]) {
        let text = String(decoding: input, as: UTF8.self)
        sessionID(text)
        eventID(text)
        epoch(text)
        joinMode(text)
        typeFilter(text)
        connectionID(text)
        timestamp(input)
        writtenTimestamp(input)
    }

    private static func sessionID(_ text: String) {
        let isNamed =
            (1...128).contains(text.utf8.count) && text.utf8.allSatisfy { isLetterOrDigit($0) || "._~-".utf8.contains($0) }
            && text != "." && text != ".."
        do throws(SessionIDError) {
            requireEqual(Array(try SessionID(text).description.utf8), Array(text.utf8), "a session id reads as it was written")
            require(isNamed, "a session id is 1 to 128 of its characters")
        } catch {
            require(!isNamed, "a good session id is not refused")
            require(error.description.utf8.count < 100 && !error.description.hasControlCharacters, "an error's message is short and clean")
        }
    }

    private static func eventID(_ text: String) {
        guard let id = try? EventID(parsing: text) else { return }
        requireEqual(Array(id.description.utf8), Array(text.utf8), "an event id reads as it was written")
        require(id.sequence >= 1 && id.sequence <= UInt64(Int64.max), "a sequence is 1 to 2^63 - 1")
    }

    private static func epoch(_ text: String) {
        let isEpoch = (13...26).contains(text.utf8.count) && text.utf8.allSatisfy { isLetterOrDigit($0) && !isUpperCase($0) }
        let epoch = try? Epoch(parsing: text)
        require((epoch != nil) == isEpoch, "an epoch is 13 to 26 of its characters")
        require(epoch.map { $0.description == text } ?? true, "an epoch reads as it was written")
        if isEpoch { require((try? EventID(parsing: text + "-9223372036854775807")) != nil, "an epoch and a sequence are an event id") }
    }

    private static func joinMode(_ text: String) {
        let mode = JoinMode.parse(text)
        if let mode {
            requireEqual(JoinMode.parse(mode.description), mode, "a join mode reads back the same")
            if case .latest(let count) = mode {
                require((0...JoinMode.latestMax).contains(count), "a number of events is within its limit")
            }
        } else {
            let isNumber = !text.isEmpty && text.utf8.count <= 7 && text.utf8.allSatisfy { (48...57).contains($0) }
            require(!isNumber && text != "live" && text != "all", "a good join mode is not refused")
        }
    }

    private static func typeFilter(_ text: String) {
        guard let filter = TypeFilter.parse(text) else { return }
        let names = text.split(separator: ",").map(String.init)
        require((1...TypeFilter.typesMax).contains(names.count), "a filter has 1 to 64 types")
        for name in names { require(filter.contains(name.utf8.span), "a filter contains its types") }
        for type in EventType.known {
            require(filter.contains(type.rawValue.utf8.span) == names.contains(type.rawValue), "a filter contains no other")
        }
        require(!filter.contains("no such type".utf8.span), "a filter contains no other")
        requireEqual(TypeFilter.parse(text + "," + names[0]) ?? filter, filter, "a type named twice is wanted once")
    }

    private static func connectionID(_ text: String) {
        guard let id = ConnectionID(text) else { return }
        requireEqual(id.description, text.lowercased(), "a connection id reads as it was written")
        require((0...255).contains(id.worker) && id.slot <= 0xFF_FFFF, "a place is within its bits")
    }

    private static func timestamp(_ text: [UInt8]) {
        guard let timestamp = Timestamp.parse(text.span) else { return }
        let written = timestamp.iso8601
        require(written.utf8.count == Timestamp.iso8601Bytes, "a timestamp is written in 27 bytes")
        guard let again = Timestamp.parse(written) else { fatalError("broken rule: a written timestamp reads back") }
        requireEqual(again.iso8601, written, "a written timestamp reads and is written the same")
        let isUTC = text.count == 19 || text.last == UInt8(ascii: "Z")
        if isUTC && !text.slice(17..<19).elementsEqual("60".utf8) {
            require(written.utf8.starts(with: text.prefix(19)), "a timestamp is the day and the time it names")
        }
        // Only an offset, or a leap second, leads out of the years that can be written.
        if again != timestamp {
            require(written.hasPrefix("0001-01-01T00:00") || written.hasPrefix("9999-12-31T23:59"), "a timestamp reads back the same")
        }
    }

    private static func writtenTimestamp(_ input: [UInt8]) {
        let value = Int64(bitPattern: input.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
        let written = Timestamp(microsecondsSince1970: value).iso8601
        guard let again = Timestamp.parse(written) else { fatalError("broken rule: \(written) reads back") }
        if (-62_135_596_800_000_000...253_402_300_799_999_999).contains(value) {
            requireEqual(again.microsecondsSince1970, value, "a moment reads back the same")
        }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...122).contains(byte) || isUpperCase(byte)
    }

    private static func isUpperCase(_ byte: UInt8) -> Bool { (65...90).contains(byte) }
}
