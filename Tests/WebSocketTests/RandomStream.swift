import WebSocket

/// A valid stream of frames made from a seed, and what a reader must make of it.
struct RandomStream {
    private(set) var bytes: [UInt8] = []
    private(set) var expected: [Received] = []
    private let role: PeerRole
    private let deflate: Bool
    private var generator: SeededGenerator

    /// `role` is the reader's: a server's peer masks. With `deflate`, some messages say that they are compressed;
    /// whether they are is not the reader's concern.
    init(seed: UInt64, role: PeerRole, deflate: Bool = false) {
        self.role = role
        self.deflate = deflate
        generator = SeededGenerator(seed: seed)
        for _ in 0..<Int.random(in: 1...6, using: &generator) { appendMessage() }
        if Bool.random(using: &generator) { appendClose() }
    }

    private mutating func appendMessage() {
        let isText = Bool.random(using: &generator)
        let isCompressed = deflate && Bool.random(using: &generator)
        let payload = isText && !isCompressed ? text() : binary()
        var fragments = fragments(of: payload)
        let last = fragments.removeLast()
        let messageOpcode: Opcode = isText ? .text : .binary
        var opcode = messageOpcode
        for fragment in fragments {
            appendFrame(opcode, fragment, fin: false, rsv1: isCompressed && opcode != .continuation)
            if Int.random(in: 0..<3, using: &generator) == 0 { appendPing() }
            opcode = .continuation
        }
        appendFrame(opcode, last, fin: true, rsv1: isCompressed && opcode != .continuation)
        expected.append(
            isCompressed ? .compressed(messageOpcode, payload, frames: fragments.count + 1) : isText ? .text(payload) : .binary(payload))
    }

    private mutating func appendPing() {
        let payload = (0..<Int.random(in: 0...125, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let isPing = Bool.random(using: &generator)
        appendFrame(isPing ? .ping : .pong, payload, fin: true)
        expected.append(isPing ? .ping(payload) : .pong(payload))
    }

    private mutating func appendClose() {
        guard Bool.random(using: &generator) else {
            appendFrame(.close, [], fin: true)
            return expected.append(.close(nil, reason: []))
        }
        let reason = Array("until later ✓".utf8)
        appendFrame(.close, [0x03, 0xE8] + reason, fin: true)
        expected.append(.close(.normal, reason: reason))
    }

    private mutating func appendFrame(_ opcode: Opcode, _ payload: [UInt8], fin: Bool, rsv1: Bool = false) {
        switch role {
        case .server:
            let key = UInt32.random(in: 0 ... .max, using: &generator)
            bytes += FrameEncoder.maskedFrame(opcode, payload, maskingKey: key, fin: fin, rsv1: rsv1)
        case .client: bytes += FrameEncoder.header(opcode, payloadLength: payload.count, fin: fin, rsv1: rsv1) + payload
        }
    }

    private mutating func text() -> [UInt8] {
        var text = String.UnicodeScalarView()
        for _ in 0..<length() / 2 {
            let isASCII = Int.random(in: 0..<10, using: &generator) > 0
            let value = UInt32.random(in: 0...(isASCII ? 0x7F : 0x10FFFF), using: &generator)
            text.append(Unicode.Scalar(value) ?? "\u{D7FF}")
        }
        return Array(String(text).utf8)
    }

    private mutating func binary() -> [UInt8] {
        (0..<length()).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    /// Around the edges of the length forms, mostly small.
    private mutating func length() -> Int {
        [0, 1, 7, 8, 9, 125, 126, 127, 300, 1_000, .random(in: 0...200, using: &generator)].randomElement(using: &generator)!
    }

    private mutating func fragments(of payload: [UInt8]) -> [[UInt8]] {
        let cuts = (0..<Int.random(in: 0...4, using: &generator)).map { _ in Int.random(in: 0...payload.count, using: &generator) }
        let edges = [0] + cuts.sorted() + [payload.count]
        return zip(edges, edges.dropFirst()).map { Array(payload[$0..<$1]) }
    }
}
