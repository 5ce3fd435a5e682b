import EventLoop

/// Standard input in chunks, each read when it is asked for: what a pipe holds now, not what it will have held at its end.
///
/// A file cannot be polled and a pipe may not be made non-blocking behind its other users' backs, so a thread of its own blocks in `read`.
/// It has a loop only to be asked through its mailbox. One that still blocks when the process ends, ends with it.
final class StandardInput {
    enum Chunk: Sendable {
        case bytes([UInt8])
        case end
        case failed(SystemError)
    }

    private enum Request { case read, stop }

    static let chunkBytes = 65_536

    private let requests = Mailbox<Request>()
    private let chunks = Mailbox<Chunk>()
    private(set) var isReading = false
    private var isClosed = false

    init(_ loop: EventLoop, receive: @escaping (Chunk) -> Void) throws(SystemError) {
        let (requests, chunks) = (requests, chunks)
        try LoopThread { Self.serve(requests, chunks) }.detach()
        try chunks.open(on: loop) { [unowned self] batch in
            isReading = false
            for chunk in batch where !isClosed { receive(chunk) }
        }
    }

    /// Asks for the next chunk, once.
    func read() {
        guard !isReading, !isClosed else { return }
        isReading = true
        requests.post(.read)
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        requests.post(.stop)
        _ = chunks.close()
    }

    private static func serve(_ requests: Mailbox<Request>, _ chunks: Mailbox<Chunk>) {
        do throws(SystemError) {
            let loop = try EventLoop()
            try requests.open(on: loop) { batch in
                for request in batch {
                    switch request {
                    case .read: chunks.post(readChunk())
                    case .stop: return _ = requests.close()
                    }
                }
            }
            loop.run()
        } catch {
            chunks.post(.failed(error))
        }
    }

    private static func readChunk() -> Chunk {
        do throws(SystemError) {
            let bytes = try StandardStreams.read(bytesMax: chunkBytes)
            return bytes.isEmpty ? .end : .bytes(bytes)
        } catch {
            return .failed(error)
        }
    }
}
