import EventLoop

/// A stream's owner that remembers what it was told, and does what a test wants done then.
final class Recorder: TCPStreamHandler {
    var received: [UInt8] = []
    var ends = 0
    var failures: [SystemError] = []
    var writables = 0
    var onReceive: (TCPStream) -> Void = { _ in }
    var onEnd: (TCPStream) -> Void = { _ in }
    var onFailure: (TCPStream) -> Void = { $0.close() }
    var onWritable: (TCPStream) -> Void = { _ in }

    func stream(_ stream: TCPStream, didReceive bytes: Span<UInt8>) {
        for i in bytes.indices { received.append(bytes[i]) }
        onReceive(stream)
    }

    func streamDidReachEnd(_ stream: TCPStream) {
        ends += 1
        onEnd(stream)
    }

    func stream(_ stream: TCPStream, didFail error: SystemError) {
        failures.append(error)
        onFailure(stream)
    }

    func streamBecameWritable(_ stream: TCPStream) {
        writables += 1
        onWritable(stream)
    }
}

/// One listener on a free port of 127.0.0.1 and the streams it accepted, each with a recorder.
final class Service {
    let loop: EventLoop
    private(set) var streams: [TCPStream] = []
    private(set) var recorders: [Recorder] = []
    private(set) var peers: [SocketAddress] = []
    private var listener: Listener!
    var address: SocketAddress { listener.address }
    var port: UInt16 { address.port }

    init(_ loop: EventLoop, prepare: @escaping (TCPStream, Recorder) -> Void = { stream, _ in stream.startReading() }) throws {
        self.loop = loop
        let bound = try BoundSocket.bind(SocketAddress(parsing: "127.0.0.1:0")!, count: 1)[0]
        listener = try Listener(
            loop, bound,
            accepted: { [unowned self] descriptor, peer in
                guard let stream = try? TCPStream(loop, descriptor: descriptor) else { return }
                let recorder = Recorder()
                stream.setHandler(recorder)
                streams.append(stream)
                recorders.append(recorder)
                peers.append(peer)
                prepare(stream, recorder)
            },
            refused: { _ in })
    }

    /// Turns until a client is there.
    func accept(_ count: Int = 1) -> Bool { loop.turn { self.streams.count >= count } }

    /// Closes everything and turns to the loop's end.
    func end() -> Bool {
        listener.close()
        for stream in streams { stream.close() }
        return loop.turnToEnd()
    }
}
