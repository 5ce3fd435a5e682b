import Glibc
import Synchronization
import Testing

@testable import EventLoop

/// A cipher that anybody can break: each byte is turned round. Its handshake is a `?`, answered by a `!`; its end is an `.`, its records are as long as told.
private final class Mirror: StreamSeal {
    var isEstablished = false
    var mayReceive = true
    var recordBytesMax = 1000
    var records: [Int] = []
    private var output: [UInt8] = []
    private var hasEnded = false
    static let end = UInt8(ascii: ".")

    static func turned(_ bytes: [UInt8]) -> [UInt8] { bytes.map { ~$0 } }

    func receive(_ bytes: Span<UInt8>, deliver: (Span<UInt8>) -> Bool) -> SealResult {
        var plaintext: [UInt8] = []
        for i in bytes.indices {
            if !isEstablished {
                guard bytes[i] == UInt8(ascii: "?") else { return .failed }
                isEstablished = true
                output.append(UInt8(ascii: "!"))
            } else if bytes[i] == Self.end {
                if !plaintext.isEmpty, !deliver(plaintext.span) { return .all }
                return .ended
            } else {
                plaintext.append(~bytes[i])
            }
        }
        if !plaintext.isEmpty { _ = deliver(plaintext.span) }
        return .all
    }

    func send(_ plaintext: Span<UInt8>) -> Int? {
        guard !hasEnded else { return nil }
        let count = min(plaintext.count, recordBytesMax)
        records.append(count)
        for i in 0..<count { output.append(~plaintext[i]) }
        return count
    }

    func sendEnd() {
        guard isEstablished, !hasEnded else { return }
        hasEnded = true
        output.append(Self.end)
    }

    var outputBytes: Int { output.count }
    func withOutput(_ send: (Span<UInt8>) -> SendResult) -> SendResult {
        let output = output
        return send(output.span)
    }
    func keep(_ rest: Span<UInt8>) { for index in rest.indices { output.append(rest[index]) } }
    func sent(_ count: Int) { output.removeFirst(count) }
}

@Suite("TCP streams with a seal")
struct TCPStreamSealedTests {
    /// A sealed stream of the loop's, and a plain socket that plays its peer.
    private struct Sealed {
        let loop: EventLoop
        let service: Service
        let client: RawClient
        let seal = Mirror()
        let recorder = Recorder()
        let stream: TCPStream

        init(receiveBufferBytes: Int32? = nil) throws {
            loop = try EventLoop()
            // Its descriptor goes to a stream of our own.
            var descriptor: Int32 = -1
            service = try Service(loop) { stream, _ in
                descriptor = dup(stream.descriptor)
                stream.pauseReading()
            }
            client = try #require(RawClient(port: service.port, receiveBufferBytes: receiveBufferBytes, timeoutSeconds: 5))
            try #require(service.accept())
            stream = try TCPStream(loop, descriptor: descriptor, seal: seal)
            stream.setHandler(recorder)
            service.streams[0].close()
        }

        func established() throws {
            stream.startReading()
            stream.waitUntilWritable()
            client.send(Array("?".utf8))
            try #require(loop.turn { recorder.writables == 1 })
            #expect(client.receive() == Array("!".utf8))
        }

        /// Long enough for anything that would happen.
        func turnIdly() { for _ in 0..<50 { loop.runOnce() } }

        func end() -> Bool {
            stream.close()
            client.close()
            return service.end()
        }
    }

    @Test func `the owner is told that it stands when the seal does`() throws {
        let sealed = try Sealed()
        sealed.stream.startReading()
        sealed.stream.waitUntilWritable()
        sealed.turnIdly()
        #expect(sealed.recorder.writables == 0)
        #expect(sealed.stream.send([1].span) == .sent(0))
        try sealed.established()
        #expect(sealed.stream.isSealed)
        let ended = sealed.end()
        #expect(ended)
    }

    @Test func `the owner sees plaintext and the peer does not`() throws {
        let sealed = try Sealed()
        try sealed.established()
        sealed.client.send(Mirror.turned([1, 2, 3]))
        let arrives = sealed.loop.turn { sealed.recorder.received == [1, 2, 3] }
        #expect(arrives)
        #expect(sealed.stream.send([4, 5].span) == .sent(2))
        #expect(sealed.client.receive() == Mirror.turned([4, 5]))
        let ended = sealed.end()
        #expect(ended)
    }

    @Test func `plaintext may come with the last of the handshake`() throws {
        let sealed = try Sealed()
        sealed.stream.startReading()
        sealed.client.send(Array("?".utf8) + Mirror.turned([1, 2, 3]))
        let arrives = sealed.loop.turn { sealed.recorder.received == [1, 2, 3] }
        #expect(arrives)
        let ended = sealed.end()
        #expect(ended)
    }

    /// Answers within the call that tells it.
    private final class Answerer: TCPStreamHandler {
        var results: [SendResult] = []
        func stream(_ stream: TCPStream, didReceive bytes: Span<UInt8>) { results.append(stream.send([4, 5].span)) }
        func streamDidReachEnd(_ stream: TCPStream) {}
        func stream(_ stream: TCPStream, didFail error: SystemError) {}
        func streamBecameWritable(_ stream: TCPStream) {}
    }

    @Test func `an answer to what came with the last of the handshake goes at once, behind what the seal says`() throws {
        let sealed = try Sealed()
        let answerer = Answerer()
        sealed.stream.setHandler(answerer)
        sealed.stream.startReading()
        sealed.client.send(Array("?".utf8) + Mirror.turned([1, 2, 3]))
        let arrives = sealed.loop.turn { !answerer.results.isEmpty }
        #expect(arrives)
        #expect(answerer.results == [.sent(2)])
        #expect(sealed.seal.outputBytes == 0)
        var received: [UInt8] = []
        while received.count < 3, let more = sealed.client.receive(), !more.isEmpty { received += more }
        #expect(received == Array("!".utf8) + Mirror.turned([4, 5]))
        let ended = sealed.end()
        #expect(ended)
    }

    @Test func `what the kernel does not take is not sealed, but for one record`() throws {
        let sealed = try Sealed(receiveBufferBytes: 4096)
        sealed.stream.setSendBuffer(bytes: 8192)
        try sealed.established()
        let bytes = [UInt8](repeating: 7, count: 1_048_576)
        guard case .sent(let taken) = sealed.stream.send(bytes.span) else {
            Issue.record("it broke")
            return
        }
        #expect(taken < bytes.count)
        #expect(sealed.seal.records.reduce(0, +) == taken)
        #expect((1...1000).contains(sealed.seal.outputBytes))
        #expect(sealed.stream.hasUnsentBytes)
        // Nothing more until that is gone.
        #expect(sealed.stream.send(bytes.span) == .sent(0))
        let ended = sealed.end()
        #expect(ended)
    }

    @Test func `a mebibyte arrives through a slow reader, and the FIN behind it`() throws {
        let sealed = try Sealed(receiveBufferBytes: 4096)
        sealed.stream.setSendBuffer(bytes: 8192)
        try sealed.established()
        let bytes = (0..<1_048_576).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) | 0x80 }
        var position = 0
        var waits = 0
        func flush(_ stream: TCPStream) {
            guard case .sent(let count) = stream.send(bytes.span.extracting(position...)) else {
                Issue.record("it broke")
                return
            }
            position += count
            if position == bytes.count { return stream.finishSending() }
            waits += 1
            stream.waitUntilWritable()
        }
        sealed.recorder.onWritable = { flush($0) }
        // Before anybody reads, so that the kernel has no room for all of it, however slow we are.
        flush(sealed.stream)
        #expect(waits == 1)
        let (client, arrived) = (sealed.client, Locked<[UInt8]?>(nil))
        let isDone = Atomic(false)
        let reader = try LoopThread {
            let all = client.receiveToEnd(max: 1500)
            arrived.withLock { $0 = all }
            isDone.store(true, ordering: .releasing)
        }
        let arrives = sealed.loop.turn(seconds: 60) { isDone.load(ordering: .acquiring) }
        #expect(arrives)
        reader.join()
        #expect(arrived.withLock { $0 } == Mirror.turned(bytes) + [Mirror.end])
        let ended = sealed.end()
        #expect(ended)
    }

    @Test func `a peer's end is told when our output is gone`() throws {
        let sealed = try Sealed(receiveBufferBytes: 4096)
        sealed.stream.setSendBuffer(bytes: 8192)
        try sealed.established()
        // Far more than the kernel makes room for when the peer's own byte comes.
        sealed.seal.recordBytesMax = 1_048_576
        let bytes = [UInt8](repeating: 7, count: 1_048_576)
        #expect(sealed.stream.send(bytes.span) == .sent(1_048_576))
        sealed.client.send([Mirror.end])
        sealed.turnIdly()
        #expect(sealed.recorder.ends == 0)
        let client = sealed.client
        let isDone = Atomic(false)
        let reader = try LoopThread {
            while !isDone.load(ordering: .acquiring), let bytes = client.receive(), !bytes.isEmpty {}
        }
        sealed.recorder.onEnd = { $0.close() }
        let arrives = sealed.loop.turn { sealed.recorder.ends == 1 }
        #expect(arrives)
        isDone.store(true, ordering: .releasing)
        reader.join()
        let ended = sealed.end()
        #expect(ended)
    }

    @Test func `a peer's end is told at once to who waits to send more`() throws {
        let sealed = try Sealed(receiveBufferBytes: 4096)
        sealed.stream.setSendBuffer(bytes: 8192)
        try sealed.established()
        let bytes = [UInt8](repeating: 7, count: 1_048_576)
        _ = sealed.stream.send(bytes.span)
        sealed.stream.waitUntilWritable()
        sealed.client.send([Mirror.end])
        let isTold = sealed.loop.turn { sealed.recorder.ends == 1 }
        #expect(isTold)
        let ended = sealed.end()
        #expect(ended)
    }

    @Test func `who closes says so, who resets does not`() throws {
        let closed = try Sealed()
        try closed.established()
        closed.stream.close()
        #expect(closed.client.receiveToEnd() == [Mirror.end])
        let closedEnded = closed.end()
        #expect(closedEnded)
        let reset = try Sealed()
        try reset.established()
        reset.stream.reset()
        #expect(reset.client.receive() == nil)
        let resetEnded = reset.end()
        #expect(resetEnded)
    }

    @Test func `bytes that make no sense are a failure`() throws {
        let sealed = try Sealed()
        sealed.stream.startReading()
        sealed.client.send(Array("GET".utf8))
        let arrives = sealed.loop.turn { sealed.recorder.failures.map(\.errno) == [EPROTO] }
        #expect(arrives)
        let ended = sealed.end()
        #expect(ended)
    }

    @Test func `what the peer said before a reset is opened first, but by a seal that may not work`() throws {
        for mayReceive in [true, false] {
            let sealed = try Sealed()
            try sealed.established()
            sealed.seal.mayReceive = mayReceive
            sealed.client.send(Mirror.turned([1, 2, 3]))
            sealed.client.reset()
            let arrives = sealed.loop.turn { !sealed.recorder.failures.isEmpty }
            #expect(arrives)
            #expect(sealed.recorder.received == (mayReceive ? [1, 2, 3] : []))
            #expect(sealed.recorder.failures.map(\.errno) == [ECONNRESET])
            sealed.stream.close()
            let ended = sealed.service.end()
            #expect(ended)
        }
    }

    @Test func `a seal that may not work yet is asked again in the next turn`() throws {
        let sealed = try Sealed()
        sealed.seal.mayReceive = false
        sealed.stream.startReading()
        sealed.client.send(Array("?".utf8))
        sealed.turnIdly()
        #expect(!sealed.seal.isEstablished)
        sealed.seal.mayReceive = true
        let arrives = sealed.loop.turn { sealed.seal.isEstablished }
        #expect(arrives)
        let ended = sealed.end()
        #expect(ended)
    }

    @Test func `who is closed within a call gets no more of it`() throws {
        let sealed = try Sealed()
        try sealed.established()
        sealed.recorder.onReceive = { $0.close() }
        sealed.client.send(Mirror.turned([1, 2, 3]) + [Mirror.end])
        let arrives = sealed.loop.turn { sealed.recorder.received == [1, 2, 3] }
        #expect(arrives)
        sealed.turnIdly()
        #expect(sealed.recorder.ends == 0)
        let ended = sealed.end()
        #expect(ended)
    }
}
