internal import Sessions

/// What was published to one session during one turn of its home's loop, joined once: written with one send per member.
struct Batch: Sendable {
    let frames: [Frame]
    /// Those that ``bytes(in:)`` has.
    let encodings: [Encoding]
    /// The oldest sequence that the session's history keeps in memory; beyond the frames where it keeps none.
    let keptFrom: UInt64
    /// All frames' bytes for each encoding that a member has, contiguous; shared with the frame where there is only one.
    private let joined: PerEncoding<[UInt8]>

    /// What one send may carry; a turn that publishes more makes several batches.
    static let bytesMax = 65_536

    init(_ frames: [Frame], encodings: [Encoding] = [.plain], keptFrom: UInt64 = .max) {
        self.frames = frames
        self.encodings = encodings
        self.keptFrom = keptFrom
        var joined = PerEncoding<[UInt8]>([])
        for encoding in encodings { joined[encoding] = Self.join(frames, encoding) }
        self.joined = joined
    }

    private static func join(_ frames: [Frame], _ encoding: Encoding) -> [UInt8] {
        if frames.count == 1 { return frames[0].bytes(in: encoding) }
        // By index and by property: a frame that is iterated over, or asked for a form, is copied with all that it refers to.
        var count = 0
        if encoding == .plain {
            for i in frames.indices { count += frames[i].bytes.count }
            return ByteWriter.compose(count) { writer in
                let frames = frames.span
                for i in frames.indices { writer.write(copying: frames[i].bytes.span) }
            }
        }
        for frame in frames { count += frame.bytes(in: encoding).count }
        return ByteWriter.compose(count) { writer in
            for frame in frames {
                let bytes = frame.bytes(in: encoding)
                writer.write(copying: bytes.span)
            }
        }
    }

    /// What a member of this encoding is sent. Made where the batch was made, so that workers only send.
    func bytes(in encoding: Encoding) -> [UInt8] { joined[encoding] }

    /// How many frames the first `count` bytes hold whole, and how far into the next one they reach.
    func split(at count: Int, in encoding: Encoding = .plain) -> (whole: Int, partial: Int) {
        var rest = count
        for (i, frame) in frames.enumerated() {
            let bytes = frame.bytes(in: encoding).count
            if rest < bytes { return (i, rest) }
            rest -= bytes
        }
        return (frames.count, 0)
    }
}
