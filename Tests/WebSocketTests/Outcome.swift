import WebSocket

/// All that a reader makes of a stream: what it received, and the violation that ended it.
struct Outcome: Equatable {
    var received: [Received] = []
    var violation: ProtocolViolation?
    /// Where in the stream the reader stood then: the same however the bytes were split.
    var violationOffset: Int?

    /// Reads `bytes` in pieces of the given sizes (over and over).
    init(
        _ bytes: [UInt8], role: PeerRole = .server, limits: WebSocketLimits = .init(), deflate: Bool = false, pieces: [Int] = [.max]
    ) {
        var reader = MessageReader(role: role, limits: limits, deflate: deflate)
        var start = 0
        var turn = 0
        while start < bytes.count && violation == nil {
            let end = start + min(pieces[turn % pieces.count], bytes.count - start)
            self.receive(Array(bytes[start..<end]), from: start, by: &reader)
            start = end
            turn += 1
        }
    }

    private mutating func receive(_ piece: [UInt8], from start: Int, by reader: inout MessageReader) {
        var position = 0
        do {
            while let message = try reader.next(piece.span, at: &position) { received.append(message) }
        } catch {
            violation = error
            violationOffset = start + position
        }
    }
}
