import WebSocket

/// Cuts what a gateway sends into frames where it lies in the read buffer; only a frame that is split between two reads is copied.
/// Ten thousand connections' worth of events go through here: the full `MessageReader` would copy and validate each.
///
/// Flow: TCPStream → **ServerFrameScanner** → LoadConnection
struct ServerFrameScanner {
    enum Fault: Error, Equatable {
        /// Fragmented, masked, reserved bits, an unknown opcode: the gateway sends none of them.
        case unexpectedFrame
        case frameTooLong
    }

    static let frameBytesMax = 1_048_576

    /// The beginning of a frame whose rest is still to come.
    private var partial: [UInt8] = []

    /// Calls `receive` for every frame that is whole now. It returns false to stop.
    mutating func receive(_ bytes: Span<UInt8>, _ receive: (Opcode, Span<UInt8>) -> Bool) throws(Fault) {
        var position = 0
        while !partial.isEmpty {
            guard let length = try frameLength(partial.span) else {
                guard position < bytes.count else { return }
                partial.append(bytes[position])
                position += 1
                continue
            }
            let count = min(length - partial.count, bytes.count - position)
            append(bytes.extracting(position..<position + count))
            position += count
            guard partial.count == length else { return }
            let frame = partial
            partial.removeAll(keepingCapacity: true)
            guard try deliver(frame.span, receive) else { return }
        }
        while let length = try frameLength(bytes.extracting(position...)), bytes.count - position >= length {
            guard try deliver(bytes.extracting(position..<position + length), receive) else { return }
            position += length
        }
        append(bytes.extracting(position...))
    }

    private mutating func append(_ bytes: Span<UInt8>) { unsafe bytes.withUnsafeBufferPointer { unsafe partial.append(contentsOf: $0) } }

    private func deliver(_ frame: Span<UInt8>, _ receive: (Opcode, Span<UInt8>) -> Bool) throws(Fault) -> Bool {
        guard frame[0] & 0xF0 == 0x80, let opcode = Opcode(rawValue: frame[0] & 0x0F), opcode != .continuation else {
            throw .unexpectedFrame
        }
        return receive(opcode, frame.extracting(headerLength(frame)...))
    }

    private func headerLength(_ frame: Span<UInt8>) -> Int { frame[1] < 126 ? 2 : frame[1] == 126 ? 4 : 10 }

    /// Header and payload; nil when not even the header is there.
    private func frameLength(_ bytes: Span<UInt8>) throws(Fault) -> Int? {
        guard bytes.count >= 2 else { return nil }
        guard bytes[1] & 0x80 == 0 else { throw .unexpectedFrame }
        let header = headerLength(bytes)
        guard header > 2 else { return 2 + Int(bytes[1]) }
        guard bytes.count >= header else { return nil }
        var length: UInt64 = 0
        for index in 2..<header { length = length << 8 | UInt64(bytes[index]) }
        guard length <= UInt64(Self.frameBytesMax) else { throw .frameTooLong }
        return header + Int(length)
    }
}
