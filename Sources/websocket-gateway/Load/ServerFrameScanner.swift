import WebSocket

/// Cuts what a gateway sends into frames where it lies in the read buffer; only a frame that is split between two reads is copied.
/// Ten thousand connections' worth of events go through here: the full `MessageReader` would copy and validate each.
///
/// Flow: TCPStream → **ServerFrameScanner** → LoadConnection
struct ServerFrameScanner {
    enum Fault: Error, Equatable {
        /// Fragmented, masked, reserved bits, an unknown opcode, a length not in its shortest form: the gateway sends none of them.
        case unexpectedFrame
        case frameTooLong
    }

    /// A whole frame's first bytes, read.
    struct Head: Equatable {
        let opcode: Opcode
        /// RSV1 (RFC 7692 §6).
        let isCompressed: Bool
        let headBytes: Int
        let payloadBytes: Int

        /// On the wire.
        var frameBytes: Int { headBytes + payloadBytes }
    }

    static let frameBytesMax = 1_048_576
    /// Of a server that puts all that waits for a client into one frame.
    static let joinedFrameBytesMax = 67_108_864

    /// permessage-deflate is agreed: RSV1 means something, on data frames.
    private let allowsCompression: Bool
    private let frameBytesMax: Int
    /// The beginning of a frame whose rest is still to come.
    private var partial: [UInt8] = []

    init(deflate: Bool, frameBytesMax: Int = frameBytesMax) {
        allowsCompression = deflate
        self.frameBytesMax = frameBytesMax
    }

    /// Calls `receive` with every frame that is whole now and its payload. It returns false to stop.
    mutating func receive(_ bytes: Span<UInt8>, _ receive: (Head, Span<UInt8>) -> Bool) throws(Fault) {
        var position = 0
        while !partial.isEmpty {
            guard let head = try head(partial.span) else {
                guard position < bytes.count else { return }
                partial.append(bytes[position])
                position += 1
                continue
            }
            let count = min(head.frameBytes - partial.count, bytes.count - position)
            append(bytes.extracting(position..<position + count))
            position += count
            guard partial.count == head.frameBytes else { return }
            let frame = partial
            partial.removeAll(keepingCapacity: true)
            guard receive(head, frame.span.extracting(head.headBytes...)) else { return }
        }
        while let head = try head(bytes.extracting(position...)), bytes.count - position >= head.frameBytes {
            guard receive(head, bytes.extracting(position + head.headBytes..<position + head.frameBytes)) else { return }
            position += head.frameBytes
        }
        append(bytes.extracting(position...))
    }

    private mutating func append(_ bytes: Span<UInt8>) { unsafe bytes.withUnsafeBufferPointer { unsafe partial.append(contentsOf: $0) } }

    /// Judged by RFC 6455 §5.2 and §5.5 before anything is stored; nil when not even the head is there.
    private func head(_ bytes: Span<UInt8>) throws(Fault) -> Head? {
        guard bytes.count >= 2 else { return nil }
        let isCompressed = bytes[0] & 0x40 != 0
        guard bytes[0] & 0xB0 == 0x80, let opcode = Opcode(rawValue: bytes[0] & 0x0F), opcode != .continuation,
            !isCompressed || allowsCompression && !opcode.isControl, bytes[1] < (opcode.isControl ? 126 : 128)
        else { throw .unexpectedFrame }
        let headBytes = bytes[1] < 126 ? 2 : bytes[1] == 126 ? 4 : 10
        guard bytes.count >= headBytes else { return nil }
        var length = headBytes == 2 ? UInt64(bytes[1]) : 0
        for index in 2..<headBytes { length = length << 8 | UInt64(bytes[index]) }
        guard length >= (headBytes == 2 ? 0 : headBytes == 4 ? 126 : 65_536) else { throw .unexpectedFrame }
        guard length <= UInt64(frameBytesMax) else { throw .frameTooLong }
        return Head(opcode: opcode, isCompressed: isCompressed, headBytes: headBytes, payloadBytes: Int(length))
    }
}
