import HTTP
import Sessions

/// The events of a load run, written and read back without a JSON parser: the form is our own, and reading millions must cost little.
///
///     {"type":"load","data":{"sequence":7,"sent_at":123456,"check":4242,"padding":"xxxx"}}
///
/// Every byte is checked by the reader: `check` covers the two numbers, and all of the data that follows is known from the sequence.
struct LoadEvent: Sendable {
    /// With the envelope, the largest event a gateway takes by default.
    static let dataBytesMax = 524_000

    var payload = LoadPayload.padding
    var dataBytes = LoadPayload.padding.dataBytesDefault
    /// Every other event, from the second on, is of another type.
    var alternates = false

    /// Of the events that not everybody wants.
    static let otherType: StaticString = "load_other"

    private func type(_ sequence: UInt64) -> StaticString { alternates && sequence % 2 == 0 ? Self.otherType : payload.eventType }

    /// As an engine publishes it: the gateway adds id and timestamp.
    func body(sequence: UInt64, sentAt: UInt64) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(dataBytes + 32)
        body.append(text: "{\"type\":\"")
        appendTypeAndData(sequence, sentAt, to: &body)
        body.append(text: "}")
        return body
    }

    /// As the gateway delivers it, for servers that deliver what was published and nothing else.
    func message(epoch: [UInt8], sequence: UInt64, sentAt: UInt64, timestamp: Timestamp) -> [UInt8] {
        var message: [UInt8] = []
        message.reserveCapacity(dataBytes + 128)
        message.append(text: "{\"id\":\"")
        message.append(contentsOf: epoch)
        message.append(text: "-")
        message.append(decimal: sequence)
        message.append(text: "\",\"type\":\"")
        appendTypeAndData(sequence, sentAt, to: &message)
        message.append(text: ",\"timestamp\":\"")
        timestamp.append(to: &message)
        message.append(text: "\"}")
        return message
    }

    /// From behind the type's first quote to the end of the data.
    private func appendTypeAndData(_ sequence: UInt64, _ sentAt: UInt64, to bytes: inout [UInt8]) {
        bytes.append(text: type(sequence))
        bytes.append(text: "\",\"data\":")
        let start = bytes.count
        bytes.append(text: "{\"sequence\":")
        bytes.append(decimal: sequence)
        bytes.append(text: ",\"sent_at\":")
        bytes.append(decimal: sentAt)
        bytes.append(text: ",\"check\":")
        bytes.append(decimal: Self.check(sequence, sentAt))
        bytes.append(contentsOf: payload.filling(sequence: sequence, count: dataBytes - (bytes.count - start)))
    }

    /// Ten digits at most, other ones for nearly every other pair.
    private static func check(_ sequence: UInt64, _ sentAt: UInt64) -> UInt64 {
        var generator = SeededGenerator(seed: sequence)
        generator = SeededGenerator(seed: generator.next() ^ sentAt)
        return generator.next() >> 32
    }

    enum Message: Equatable {
        /// An event as we published it: its id, and what we wrote into it.
        case event(epoch: Range<Int>, id: UInt64, sequence: UInt64, sentAt: UInt64)
        /// One that began as ours.
        case altered(sequence: UInt64)
        /// An event of the stream that is not as we published it.
        case foreign
        /// What the gateway says to this connection alone.
        case own
    }

    /// Reads `{"id":"<epoch>-<n>","type":"load","data":{…},"timestamp":"…"}`, the fields in this order (docs/PROTOCOL.md), with data that is
    /// `dataBytes` long and a timestamp as the gateway writes it.
    func read(_ message: Span<UInt8>) -> Message {
        var cursor = Cursor()
        guard cursor.take("{\"id\":\"", message) else { return .own }
        let start = cursor.position
        cursor.skip(to: UInt8(ascii: "-"), message)
        let epoch = start..<cursor.position
        guard cursor.take("-", message), let id = cursor.number(message), cursor.take("\",\"type\":\"", message),
            let isOther = takeType(&cursor, message), cursor.take("\",\"data\":", message)
        else { return .foreign }
        let end = cursor.position + dataBytes
        guard cursor.take("{\"sequence\":", message), let sequence = cursor.number(message),
            cursor.take(",\"sent_at\":", message), let sentAt = cursor.number(message),
            cursor.take(",\"check\":", message), cursor.number(message) == Self.check(sequence, sentAt),
            isOther == (alternates && sequence % 2 == 0)
        else { return .foreign }
        let filling = payload.filling(sequence: sequence, count: end - cursor.position)
        guard cursor.take(filling, message), cursor.take(",\"timestamp\":\"", message), cursor.takeTime(message),
            cursor.take("\"}", message), cursor.position == message.count
        else { return .altered(sequence: sequence) }
        return .event(epoch: epoch, id: id, sequence: sequence, sentAt: sentAt)
    }

    /// Whether it is the other one; nil: neither.
    private func takeType(_ cursor: inout Cursor, _ message: Span<UInt8>) -> Bool? {
        if alternates, cursor.take(Self.otherType, message) { return true }
        return cursor.take(payload.eventType, message) ? false : nil
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

        mutating func take(_ expected: [UInt8], _ bytes: Span<UInt8>) -> Bool {
            guard bytes.count - position >= expected.count,
                bytes.extracting(position..<position + expected.count).isIdentical(to: expected.span)
            else { return false }
            position += expected.count
            return true
        }

        mutating func skip(to byte: UInt8, _ bytes: Span<UInt8>) {
            while position < bytes.count, bytes[position] != byte { position += 1 }
        }

        /// 1 to 19 digits, as we write them: without zeros in front.
        mutating func number(_ bytes: Span<UInt8>) -> UInt64? {
            let start = position
            var value: UInt64 = 0
            while position < bytes.count, position - start < 19, case let digit = bytes[position] &- UInt8(ascii: "0"), digit <= 9 {
                value = value * 10 + UInt64(digit)
                position += 1
            }
            guard position > start, bytes[start] != UInt8(ascii: "0") || position == start + 1 else { return nil }
            return value
        }

        /// `2026-03-15T10:30:00.123456Z`, whatever its digits.
        mutating func takeTime(_ bytes: Span<UInt8>) -> Bool {
            let form: StaticString = "0000-00-00T00:00:00.000000Z"
            let count = form.utf8CodeUnitCount
            guard bytes.count - position >= count else { return false }
            let matches = form.withUTF8Buffer { form in
                for index in 0..<count {
                    let byte = bytes[position + index]
                    guard unsafe form[index] == UInt8(ascii: "0") ? byte &- UInt8(ascii: "0") <= 9 : byte == form[index] else {
                        return false
                    }
                }
                return true
            }
            if matches { position += count }
            return matches
        }
    }
}
