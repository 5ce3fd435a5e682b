/// Collects the content of one message, counted or chunked (RFC 9112 §6.2, §7.1). Holds only what was received of it: a peer that
/// announces a megabyte and sends nothing costs nothing.
///
/// Flow: RequestParser → **ContentDecoder** → `.body`
struct ContentDecoder {
    private enum State {
        case counted(remaining: Int)
        case chunkSize(Int, digits: Int)
        case chunkSizeLineFeed(Int)
        case chunkData(remaining: Int)
        case chunkCarriageReturn
        case chunkLineFeed
        case endCarriageReturn
        case endLineFeed
    }

    private static let chunkSizeDigitsMax = 8

    private var state: State
    private var content: [UInt8] = []

    init(_ framing: ContentFraming) {
        state = framing.isChunked ? .chunkSize(0, digits: 0) : .counted(remaining: framing.contentLength ?? 0)
    }

    /// The whole content once it is complete, given away: nothing of it stays here. nil when `input` is consumed before.
    mutating func next(
        _ input: Span<UInt8>, at position: inout Int, bytesMax: Int
    ) throws(HTTPViolation) -> [UInt8]? {
        while true {
            switch state {
            case .counted(let remaining):
                try check(remaining, bytesMax)
                let left = take(remaining, from: input, at: &position)
                state = .counted(remaining: left)
                return left == 0 ? exchange(&content, with: []) : nil
            case .chunkData(let remaining):
                try check(remaining, bytesMax)
                let left = take(remaining, from: input, at: &position)
                state = left == 0 ? .chunkCarriageReturn : .chunkData(remaining: left)
                if left > 0 { return nil }
            default:
                guard position < input.count else { return nil }
                let isEnd = try receive(input[position], bytesMax)
                position += 1
                if isEnd { return exchange(&content, with: []) }
            }
        }
    }

    /// Subtracts rather than adds: no length a peer can name overflows.
    private func check(_ length: Int, _ bytesMax: Int) throws(HTTPViolation) {
        if length > bytesMax - content.count { throw .bodyTooLarge }
    }

    /// What is still missing after taking what is there.
    private mutating func take(_ length: Int, from input: Span<UInt8>, at position: inout Int) -> Int {
        let taken = min(length, input.count - position)
        if content.isEmpty {
            content = [UInt8](copying: input.extracting(position..<position + taken))
        } else {
            content.append(copying: input.extracting(position..<position + taken))
        }
        position += taken
        return length - taken
    }

    /// One byte of the chunk framing; true for the last one. No extensions and no trailers: nothing we serve has a use for either,
    /// and both have been ways to smuggle or to exhaust.
    private mutating func receive(_ byte: UInt8, _ bytesMax: Int) throws(HTTPViolation) -> Bool {
        switch state {
        case .chunkSize(let size, let digits):
            state = try Self.afterChunkSize(size, digits: digits, byte)
        case .chunkSizeLineFeed(let size):
            guard byte == .lineFeed else { throw .bareCarriageReturn }
            try check(size, bytesMax)
            state = size == 0 ? .endCarriageReturn : .chunkData(remaining: size)
        case .chunkCarriageReturn:
            guard byte == .carriageReturn else { throw .chunkNotDelimited }
            state = .chunkLineFeed
        case .chunkLineFeed:
            guard byte == .lineFeed else { throw .chunkNotDelimited }
            state = .chunkSize(0, digits: 0)
        case .endCarriageReturn:
            guard byte == .carriageReturn else { throw byte == .lineFeed ? .bareLineFeed : .trailerField }
            state = .endLineFeed
        case .endLineFeed:
            guard byte == .lineFeed else { throw .bareCarriageReturn }
            return true
        case .counted, .chunkData:
            preconditionFailure("content is taken in bulk, not by the byte")
        }
        return false
    }

    private static func afterChunkSize(_ size: Int, digits: Int, _ byte: UInt8) throws(HTTPViolation) -> State {
        if let value = byte.hexadecimalValue {
            guard digits < chunkSizeDigitsMax else { throw .chunkSizeTooLong }
            return .chunkSize(size << 4 | Int(value), digits: digits + 1)
        }
        guard digits > 0 else { throw .chunkSizeMalformed }
        switch byte {
        case .carriageReturn: return .chunkSizeLineFeed(size)
        case .lineFeed: throw .bareLineFeed
        case UInt8(ascii: ";"): throw .chunkExtension
        default: throw .chunkSizeMalformed
        }
    }
}
