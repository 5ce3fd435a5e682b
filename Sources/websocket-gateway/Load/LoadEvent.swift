/// The events of a load run, written and read back without a JSON parser: the form is our own, and reading millions must cost little.
///
///     {"type":"load","data":{"sequence":7,"sent_at":123456,"padding":"xxxx"}}
enum LoadEvent {
    /// Of the data: what two numbers of 20 digits and the names take.
    static let dataBytesMin = 96
    static let dataBytesMax = 524_000

    static func body(sequence: UInt64, sentAt: UInt64, dataBytes: Int) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(dataBytes + 32)
        body.append(contentsOf: "{\"type\":\"load\",\"data\":".utf8)
        let start = body.count
        body.append(contentsOf: "{\"sequence\":\(sequence),\"sent_at\":\(sentAt),\"padding\":\"".utf8)
        body.append(contentsOf: repeatElement(UInt8(ascii: "x"), count: dataBytes - (body.count - start) - 2))
        body.append(contentsOf: "\"}}".utf8)
        return body
    }

    enum Message: Equatable {
        /// An event of ours: its id, and what we wrote into it.
        case event(epoch: Range<Int>, id: UInt64, sequence: UInt64, sentAt: UInt64)
        /// An event of the stream that is not as we published it.
        case foreign
        /// What the gateway says to this connection alone.
        case own
    }

    /// Reads `{"id":"<epoch>-<n>","type":"load","data":{…},"timestamp":"…"}`, the fields in this order (docs/PROTOCOL.md), and checks that the
    /// data is `dataBytes` long.
    static func read(_ message: Span<UInt8>, dataBytes: Int) -> Message {
        var cursor = Cursor()
        guard cursor.take("{\"id\":\"", message) else { return .own }
        let start = cursor.position
        cursor.skip(to: UInt8(ascii: "-"), message)
        let epoch = start..<cursor.position
        guard cursor.take("-", message), let id = cursor.number(message), cursor.take("\",\"type\":\"load\",\"data\":", message) else {
            return .foreign
        }
        let dataStart = cursor.position
        guard cursor.take("{\"sequence\":", message), let sequence = cursor.number(message),
            cursor.take(",\"sent_at\":", message), let sentAt = cursor.number(message), cursor.take(",\"padding\":\"", message)
        else { return .foreign }
        cursor.position = dataStart + dataBytes - 2
        guard cursor.take("\"},\"timestamp\":\"", message), message[message.count - 1] == UInt8(ascii: "}") else { return .foreign }
        return .event(epoch: epoch, id: id, sequence: sequence, sentAt: sentAt)
    }

    private struct Cursor {
        var position = 0

        mutating func take(_ text: StaticString, _ bytes: Span<UInt8>) -> Bool {
            let count = text.utf8CodeUnitCount
            guard position >= 0, bytes.count - position >= count else { return false }
            let matches = text.withUTF8Buffer { text in
                for index in 0..<count where unsafe text[index] != bytes[position + index] { return false }
                return true
            }
            if matches { position += count }
            return matches
        }

        mutating func skip(to byte: UInt8, _ bytes: Span<UInt8>) {
            while position < bytes.count, bytes[position] != byte { position += 1 }
        }

        /// 1 to 19 digits.
        mutating func number(_ bytes: Span<UInt8>) -> UInt64? {
            let start = position
            var value: UInt64 = 0
            while position < bytes.count, position - start < 19, case let digit = bytes[position] &- UInt8(ascii: "0"), digit <= 9 {
                value = value * 10 + UInt64(digit)
                position += 1
            }
            return position > start ? value : nil
        }
    }
}
