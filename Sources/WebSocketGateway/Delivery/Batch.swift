/// What was published to one session during one turn of its home's loop, joined once: written with one send per member.
struct Batch: Sendable {
    let frames: [Frame]
    /// All frames' bytes, contiguous; shared with the frame where there is only one.
    let joined: [UInt8]

    /// What one send may carry; a turn that publishes more makes several batches.
    static let bytesMax = 65_536

    init(_ frames: [Frame]) {
        self.frames = frames
        if frames.count == 1 {
            joined = frames[0].bytes
        } else {
            var joined: [UInt8] = []
            joined.reserveCapacity(frames.reduce(0) { $0 + $1.bytes.count })
            for frame in frames { joined.append(contentsOf: frame.bytes) }
            self.joined = joined
        }
    }

    /// How many frames the first `count` bytes hold whole, and how far into the next one they reach.
    func split(at count: Int) -> (whole: Int, partial: Int) {
        var rest = count
        for (i, frame) in frames.enumerated() {
            if rest < frame.bytes.count { return (i, rest) }
            rest -= frame.bytes.count
        }
        return (frames.count, 0)
    }
}
