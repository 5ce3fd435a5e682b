/// Cuts what a NATS server sends to a client into operations where it lies; only one that is split between two pieces is copied.
///
/// A line each, `INFO {…}`, `PING`, `PONG`, `+OK`, `-ERR '…'`, ended by CR LF; `MSG <subject> <sid> [reply-to] <bytes>` is followed by so many
/// bytes of payload and another CR LF. (https://docs.nats.io/reference/reference-protocols/nats-protocol)
///
/// Flow: ServerFrameScanner or TCPStream → **NATSReader** → LoadConnection or NATSConnection
struct NATSReader {
    enum Operation: Equatable {
        case info, ping, pong, ok
        /// What is handed over with it is the reason.
        case error
        /// What is handed over with it is the payload.
        case message
    }

    enum Fault: Error, Equatable {
        case unknownOperation
        case malformedMessage
        case lineTooLong
        case messageTooLong
    }

    /// INFO names every server of a cluster.
    static let lineBytesMax = 65_536
    static let payloadBytesMax = ServerFrameScanner.frameBytesMax

    private struct Found {
        let operation: Operation
        let payload: Range<Int>
        /// The first byte behind it.
        let end: Int
    }

    /// The beginning of an operation whose rest is still to come.
    private var partial: [UInt8] = []

    /// Calls `receive` with every operation that is whole now. It returns false to stop.
    mutating func receive(_ bytes: Span<UInt8>, _ receive: (Operation, Span<UInt8>) -> Bool) throws(Fault) {
        if partial.isEmpty {
            let read = try Self.read(bytes, receive)
            append(bytes.extracting(read...))
        } else {
            append(bytes)
            let pieces = partial
            partial = []
            let read = try Self.read(pieces.span, receive)
            append(pieces.span.extracting(read...))
        }
    }

    /// How many bytes the whole operations took.
    private static func read(_ bytes: Span<UInt8>, _ receive: (Operation, Span<UInt8>) -> Bool) throws(Fault) -> Int {
        var position = 0
        while let found = try next(bytes, from: position) {
            position = found.end
            guard receive(found.operation, bytes.extracting(found.payload)) else { return bytes.count }
        }
        return position
    }

    /// nil when it is not whole.
    private static func next(_ bytes: Span<UInt8>, from start: Int) throws(Fault) -> Found? {
        guard start < bytes.count else { return nil }
        guard let end = try lineEnd(bytes, from: start) else { return nil }
        switch bytes[start] {
        case UInt8(ascii: "M"): return try message(bytes, start..<end)
        case UInt8(ascii: "P") where matches(bytes, start..<end, "PING"): return Found(operation: .ping, payload: end..<end, end: end + 2)
        case UInt8(ascii: "P") where matches(bytes, start..<end, "PONG"): return Found(operation: .pong, payload: end..<end, end: end + 2)
        case UInt8(ascii: "+") where matches(bytes, start..<end, "+OK"): return Found(operation: .ok, payload: end..<end, end: end + 2)
        case UInt8(ascii: "I") where begins(bytes, start..<end, "INFO "):
            return Found(operation: .info, payload: start + 5..<end, end: end + 2)
        case UInt8(ascii: "-") where begins(bytes, start..<end, "-ERR "):
            return Found(operation: .error, payload: start + 5..<end, end: end + 2)
        default: throw .unknownOperation
        }
    }

    /// Where CR LF stands.
    private static func lineEnd(_ bytes: Span<UInt8>, from start: Int) throws(Fault) -> Int? {
        var index = start
        while index + 1 < bytes.count {
            if bytes[index] == UInt8(ascii: "\r"), bytes[index + 1] == UInt8(ascii: "\n") { return index }
            index += 1
        }
        guard bytes.count - start <= lineBytesMax else { throw .lineTooLong }
        return nil
    }

    private static func message(_ bytes: Span<UInt8>, _ line: Range<Int>) throws(Fault) -> Found? {
        guard begins(bytes, line, "MSG ") else { throw .unknownOperation }
        var words = 1
        var wordStart = line.lowerBound + 4
        for index in wordStart..<line.upperBound where bytes[index] == UInt8(ascii: " ") {
            guard index > wordStart else { throw .malformedMessage }
            words += 1
            wordStart = index + 1
        }
        guard (3...4).contains(words), let count = try number(bytes, wordStart..<line.upperBound) else { throw .malformedMessage }
        let payload = line.upperBound + 2..<line.upperBound + 2 + count
        guard bytes.count >= payload.upperBound + 2 else { return nil }
        guard bytes[payload.upperBound] == UInt8(ascii: "\r"), bytes[payload.upperBound + 1] == UInt8(ascii: "\n") else {
            throw .malformedMessage
        }
        return Found(operation: .message, payload: payload, end: payload.upperBound + 2)
    }

    private static func number(_ bytes: Span<UInt8>, _ digits: Range<Int>) throws(Fault) -> Int? {
        guard !digits.isEmpty else { return nil }
        var value = 0
        for index in digits {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            value = value * 10 + Int(digit)
            guard value <= payloadBytesMax else { throw .messageTooLong }
        }
        return value
    }

    private static func matches(_ bytes: Span<UInt8>, _ line: Range<Int>, _ text: StaticString) -> Bool {
        line.count == text.utf8CodeUnitCount && begins(bytes, line, text)
    }

    private static func begins(_ bytes: Span<UInt8>, _ line: Range<Int>, _ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard line.count >= count else { return false }
        return text.withUTF8Buffer { text in
            for index in 0..<count where unsafe text[index] != bytes[line.lowerBound + index] { return false }
            return true
        }
    }

    private mutating func append(_ bytes: Span<UInt8>) { unsafe bytes.withUnsafeBufferPointer { unsafe partial.append(contentsOf: $0) } }
}
