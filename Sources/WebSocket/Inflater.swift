internal import CZlib

/// Inflates whole compressed messages (RFC 7692 §7.2.2), each on its own. One for each worker: 103 KiB, all of it allocated at once.
/// Belongs to its worker's thread.
///
/// A message is inflated into a buffer of our own first, over and over where it is longer: only what is known to be within
/// the limit and whole is given memory. A bomb costs the time of inflating up to the limit, and nothing else.
///
/// Flow: MessageReader → **Inflater** (through CompressedMessage) → Connection
@safe
package final class Inflater {
    /// As long as a message may be by default: only where that limit was raised can one be longer, and is inflated twice.
    package static let bufferBytes = 65_536

    /// How many DEFLATE blocks a message may have that came in so many frames and inflates to so many bytes. A block of 10 bytes that makes
    /// nothing costs 1.6 µs, as its codes must be built: 64 KiB of them were 10 ms of everybody's time. zlib cuts a block at 128 symbols or more
    /// (`memLevel` 1), each a byte at least; a peer that flushes with every frame adds a block and an empty one.
    private static let blocksFree = 16
    private static let blocksPerFrame = 2
    private static let bytesPerBlock = 64

    private enum Phase {
        case message
        /// The flush's last bytes, which the peer left out.
        case tail
        case whole
    }

    private var phase = Phase.whole
    /// Blocks that have ended, and what they made. Of this message.
    private var blocks = 0
    private var produced = 0
    private var blocksFree = 0
    /// Never moved: zlib's state points back at it.
    private let stream: UnsafeMutablePointer<z_stream>
    private let buffer: UnsafeMutableBufferPointer<UInt8>
    private let tail: UnsafeMutableBufferPointer<UInt8>

    /// nil when memory is short.
    package init?() {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // The largest window, whatever the client uses. Negative bits: raw DEFLATE, without zlib's header.
        guard unsafe wsg_inflate_init(stream, -15) == Z_OK else {
            unsafe stream.deallocate()
            return nil
        }
        guard unsafe Self.allocateWindow(of: stream) else {
            unsafe inflateEnd(stream)
            unsafe stream.deallocate()
            return nil
        }
        unsafe self.stream = unsafe stream
        unsafe buffer = .allocate(capacity: Self.bufferBytes)
        unsafe buffer.initialize(repeating: 0)
        unsafe tail = .allocate(capacity: Deflater.tail.count)
        _ = unsafe tail.initialize(from: Deflater.tail)
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
        unsafe buffer.deallocate()
        unsafe tail.deallocate()
    }

    /// Throws `.messageTooBig` with the first byte over `max`, `.invalidDeflate` for what is no DEFLATE data or is cut short, and
    /// `.tooManyDeflateBlocks`. `frames` is in how many frames it came.
    package func inflate(_ compressed: Span<UInt8>, frames: Int = 1, max: Int) throws(ProtocolViolation) -> [UInt8] {
        blocksFree = Self.blocksFree + Self.blocksPerFrame * frames
        return try unsafe compressed.withUnsafeBufferPointer { (source) throws(ProtocolViolation) in
            try unsafe begin(source)
            let count = try inflateAll(max: max)
            if count <= Self.bufferBytes { return unsafe Array(buffer[..<count]) }
            try unsafe begin(source)
            let message = unsafe [UInt8](unsafeUninitializedCapacity: count) { target, filled in
                filled = unsafe (try? fill(UnsafeMutableBufferPointer(rebasing: target[..<count]))) ?? 0
            }
            // The same input inflates to the same output.
            guard message.count == count else { throw .invalidDeflate }
            return message
        }
    }

    private func begin(_ source: UnsafeBufferPointer<UInt8>) throws(ProtocolViolation) {
        guard let count = UInt32(exactly: source.count) else { throw .messageTooBig }
        guard unsafe inflateReset(stream) == Z_OK else { throw .invalidDeflate }
        unsafe stream.pointee.next_in = source.baseAddress
        unsafe stream.pointee.avail_in = count
        // An empty message is sent as 0x00 (§7.2.3.6). No bytes at all can mean nothing else.
        phase = source.isEmpty ? .whole : .message
        (blocks, produced) = (0, 0)
    }

    /// How long the message is. Up to `bufferBytes` of it are in the buffer.
    private func inflateAll(max: Int) throws(ProtocolViolation) -> Int {
        guard max >= 0 else { throw .messageTooBig }
        var count = 0
        while phase != .whole {
            // Room for one byte over the limit tells that there is one. Written so that no `max` overflows.
            let room = min(Self.bufferBytes - 1, max - count) + 1
            count += try unsafe fill(UnsafeMutableBufferPointer(rebasing: buffer[..<room]))
            guard count <= max else { throw .messageTooBig }
        }
        return count
    }

    /// Inflates until the target is full or the message whole. How much.
    private func fill(_ target: UnsafeMutableBufferPointer<UInt8>) throws(ProtocolViolation) -> Int {
        unsafe stream.pointee.next_out = target.baseAddress
        unsafe stream.pointee.avail_out = UInt32(clamping: target.count)
        let room = unsafe Int(stream.pointee.avail_out)
        while unsafe phase != .whole && stream.pointee.avail_out > 0 { try step() }
        return unsafe room - Int(stream.pointee.avail_out)
    }

    private func step() throws(ProtocolViolation) {
        if unsafe phase == .message && stream.pointee.avail_in == 0 && isBetweenBlocks && !isLastBlock {
            // The output was full just when the last block ended. Asked again, zlib would look for another.
            phase = .whole
            return
        }
        let room = unsafe stream.pointee.avail_out
        // Returns at the end of each block, too.
        let status = unsafe CZlib.inflate(stream, Z_BLOCK)
        produced += unsafe Int(room - stream.pointee.avail_out)
        if hasEndedBlock, phase == .message { try countBlock() }
        // The tail is an empty block's. Where it becomes data, the message was cut short.
        guard unsafe phase != .tail || stream.pointee.avail_out == room else { throw .invalidDeflate }
        switch status {
        case Z_OK, Z_BUF_ERROR:
            guard unsafe stream.pointee.avail_out > 0 else { return }
            // After a last block zlib has yet to say that its stream has ended.
            if hasEndedBlock, unsafe stream.pointee.avail_in > 0 || isLastBlock { return }
            guard unsafe stream.pointee.avail_in == 0 else { throw .invalidDeflate }
            try receiveEndOfInput()
        case Z_STREAM_END where unsafe stream.pointee.avail_in == 0: phase = .whole
        // A block that says it is the last ends zlib's stream, but not the message (§7.2.1: "The next DEFLATE block follows the
        // padded data if any", §7.2.3.4). It goes on with the window as it is.
        case Z_STREAM_END where phase == .message:
            guard unsafe inflateResetKeep(stream) == Z_OK else { throw .invalidDeflate }
        default: throw .invalidDeflate
        }
    }

    private func receiveEndOfInput() throws(ProtocolViolation) {
        switch phase {
        // A peer that leaves out the whole last block, or none of it, has said all the same what its message is.
        case .message where isBetweenBlocks, .tail where isBetweenBlocks: phase = .whole
        case .message:
            unsafe stream.pointee.next_in = UnsafePointer(tail.baseAddress)
            unsafe stream.pointee.avail_in = UInt32(tail.count)
            phase = .tail
        // Cut short inside a block: half an order must not look like a whole one.
        case .tail: throw .invalidDeflate
        case .whole: break
        }
    }

    private func countBlock() throws(ProtocolViolation) {
        blocks += 1
        guard blocks <= blocksFree + produced / Self.bytesPerBlock else { throw .tooManyDeflateBlocks }
    }

    // What zlib tells in `data_type` when `inflate` returns: a block has just ended (128), it is the last (64), bits are over (the lower six).
    private var hasEndedBlock: Bool { unsafe stream.pointee.data_type & 128 != 0 }
    private var isLastBlock: Bool { unsafe stream.pointee.data_type & 64 != 0 }
    private var isBetweenBlocks: Bool { unsafe stream.pointee.data_type & (128 | 63) == 128 }

    /// zlib allocates its window with the first output. Here one byte is inflated for that, so that no peer's message finds memory short.
    private static func allocateWindow(of stream: UnsafeMutablePointer<z_stream>) -> Bool {
        let storedByte: [UInt8] = [0x00, 0x01, 0x00, 0xFE, 0xFF, 0x00]
        var output: UInt8 = 0
        return unsafe storedByte.withUnsafeBufferPointer { input in
            unsafe withUnsafeMutablePointer(to: &output) { output in
                unsafe stream.pointee.next_in = input.baseAddress
                unsafe stream.pointee.avail_in = UInt32(input.count)
                unsafe stream.pointee.next_out = unsafe output
                unsafe stream.pointee.avail_out = 1
                return unsafe CZlib.inflate(stream, Z_NO_FLUSH) == Z_OK
            }
        }
    }
}
