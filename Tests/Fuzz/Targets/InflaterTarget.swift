import CZlib
import WebSocket

/// Input: the payload of a compressed message; and, taken as a message itself, what is compressed and inflated again.
enum InflaterTarget: FuzzTarget {
    static let name = "inflater"

    static func run(_ input: [UInt8]) {
        guard let fresh = Inflater() else { fatalError("memory for an inflater") }
        let longest = outcome(fresh, input, max: longestMax)
        for max in [0, 1, 100, Inflater.bufferBytes - 1, Inflater.bufferBytes, longestMax] {
            let outcome = unsafe outcome(shared, input, max: max)
            switch (outcome, longest) {
            case (.success(let message), _):
                require(message.count <= max, "a message is within its limit")
                requireEqual(outcome, longest, "an inflater keeps nothing of earlier messages, nor of its limit")
            case (.failure(.messageTooBig), .success(let message)): require(message.count > max, "a message that fits is not too big")
            case (.failure(.messageTooBig), .failure): break
            case (.failure, _): requireEqual(outcome, longest, "what is no DEFLATE data is so whatever its limit")
            }
        }
        let bounded = unsafe outcome(shared, input, frames: 1, max: longestMax)
        require(
            bounded == longest || bounded == .failure(.tooManyDeflateBlocks), "a message is judged by its blocks, and otherwise the same")
        if let plain = plainlyInflated(input) { requireEqual(longest, plain, "zlib by itself says the same") }
        requireReadsBack(input)
        requireOpens(input, longest)
    }

    private static let longestMax = 300_000
    private nonisolated(unsafe) static let shared = Inflater()!
    private nonisolated(unsafe) static let deflaters = DeflateClass.allCases.map { Deflater($0)! }

    /// So many frames that no number of blocks is too much.
    private static let framesMany = 1 << 20

    private static func outcome(_ inflater: Inflater, _ input: [UInt8], frames: Int = framesMany, max: Int) -> Result<
        [UInt8], ProtocolViolation
    > {
        do throws(ProtocolViolation) { return .success(try inflater.inflate(input.span, frames: frames, max: max)) } catch {
            return .failure(error)
        }
    }

    /// RFC 7692 §7.2.2 by zlib in one go: inflated up to the end of a block, where need be of the tail's, to which a whole message adds
    /// nothing. nil for what is not that plain: final blocks, garbage, or more than the target holds.
    private static func plainlyInflated(_ input: [UInt8]) -> Result<[UInt8], ProtocolViolation>? {
        guard !input.isEmpty else { return .success([]) }
        var stream = unsafe z_stream()
        guard unsafe wsg_inflate_init(&stream, -15) == Z_OK else { fatalError("memory for zlib") }
        defer { unsafe inflateEnd(&stream) }
        var isPlain = true
        var isWhole = false
        let output = unsafe [UInt8](unsafeUninitializedCapacity: longestMax + 1) { target, count in
            unsafe stream.next_out = target.baseAddress
            unsafe stream.avail_out = UInt32(target.count)
            for (part, isTail) in [(input, false), ([0x00, 0x00, 0xFF, 0xFF], true)] where !isWhole {
                count = unsafe target.count - Int(stream.avail_out)
                unsafe part.withUnsafeBufferPointer { source in
                    unsafe stream.next_in = source.baseAddress
                    unsafe stream.avail_in = UInt32(source.count)
                    let status = unsafe inflate(&stream, Z_SYNC_FLUSH)
                    isPlain = unsafe isPlain && (status == Z_OK || status == Z_BUF_ERROR) && stream.avail_in == 0 && stream.avail_out > 0
                }
                let addsNothing = unsafe count == target.count - Int(stream.avail_out)
                isWhole = unsafe stream.data_type & 0xBF == 128 && (!isTail || addsNothing)
            }
            count = unsafe target.count - Int(stream.avail_out)
        }
        guard isPlain else { return nil }
        return isWhole ? .success(output) : .failure(.invalidDeflate)
    }

    private static func requireReadsBack(_ message: [UInt8]) {
        for deflater in unsafe deflaters {
            guard let compressed = deflater.deflate(message.span) else { continue }
            require(compressed.count < message.count, "what is compressed is smaller")
            unsafe requireEqual(outcome(shared, compressed, max: message.count), .success(message), "what is compressed reads back")
            requireEqual(plainlyInflated(compressed), .success(message), "zlib by itself reads it too")
        }
    }

    private static func requireOpens(_ input: [UInt8], _ longest: Result<[UInt8], ProtocolViolation>) {
        let text = unsafe try? CompressedMessage.open(.text, input, frames: framesMany, with: shared, max: longestMax)
        guard case .success(let message) = longest else { return require(text == nil, "what is no DEFLATE data is no message") }
        requireEqual(text, message.isValidUTF8 ? .text(message) : nil, "a text is UTF-8 once inflated")
    }
}
