import Glibc
import Testing

@testable import EventLoop

@Suite("First bytes of a connection")
struct FirstBytesTests {
    /// A client, the accepted descriptor, and the loop it is to be read on.
    private struct Pair {
        let loop: EventLoop
        let client: RawClient
        let descriptor: Int32
    }

    private func pair() throws -> Pair {
        let loop = try EventLoop()
        let bound = try BoundSocket.bind(SocketAddress(parsing: "127.0.0.1:0")!, count: 1)[0]
        var accepted: Int32?
        let listener = try Listener(loop, bound, accepted: { descriptor, _ in accepted = descriptor }, refused: { _ in })
        let client = try #require(RawClient(port: bound.address.port))
        let isAccepted = loop.turn { accepted != nil }
        #expect(isAccepted)
        listener.close()
        return Pair(loop: loop, client: client, descriptor: try #require(accepted))
    }

    @Test func `so many are read and not one more, and a stream gets the rest`() throws {
        let pair = try pair()
        var told = 0
        let first = try FirstBytes(pair.loop, descriptor: pair.descriptor) { told += 1 }
        #expect(first.receive(max: 4) { _ in } == .nothing)
        pair.client.send(Array("headbody".utf8))
        let isTold = pair.loop.turn { told > 0 }
        #expect(isTold)
        var head: [UInt8] = []
        #expect(first.receive(max: 3) { bytes in for i in bytes.indices { head.append(bytes[i]) } } == .received)
        #expect(first.receive(max: 1) { bytes in for i in bytes.indices { head.append(bytes[i]) } } == .received)
        #expect(head == Array("head".utf8))

        let stream = try TCPStream(pair.loop, descriptor: first.letGo())
        first.close()
        let recorder = Recorder()
        stream.setHandler(recorder)
        stream.startReading()
        let rest = pair.loop.turn { recorder.received.count == 4 }
        #expect(rest)
        #expect(recorder.received == Array("body".utf8))
        #expect(stream.send("hi".utf8.span) == .sent(2))
        #expect(pair.client.receive() == Array("hi".utf8))
        stream.close()
        pair.client.close()
        let ended = pair.loop.turnToEnd()
        #expect(ended)
    }

    @Test func `it may be let go of while it is told`() throws {
        let pair = try pair()
        let recorder = Recorder()
        var (first, stream): (FirstBytes?, TCPStream?)
        first = try FirstBytes(pair.loop, descriptor: pair.descriptor) { [loop = pair.loop] in
            guard let socket = first, socket.receive(max: 2, { _ in }) == .received else { return }
            first = nil
            stream = try? TCPStream(loop, descriptor: socket.letGo())
            stream?.setHandler(recorder)
            stream?.startReading()
        }
        pair.client.send(Array("abcd".utf8))
        let rest = pair.loop.turn { recorder.received == Array("cd".utf8) }
        #expect(rest)
        stream?.close()
        pair.client.close()
        let ended = pair.loop.turnToEnd()
        #expect(ended)
    }

    @Test(arguments: [false, true])
    func `an end and a failure are told`(isReset: Bool) throws {
        let pair = try pair()
        var outcome: FirstBytes.Outcome?
        var first: FirstBytes?
        first = try FirstBytes(pair.loop, descriptor: pair.descriptor) {
            outcome = first?.receive(max: 16) { _ in }
            first?.close()
        }
        if isReset { pair.client.reset() } else { pair.client.close() }
        let isTold = pair.loop.turn { outcome != nil }
        #expect(isTold)
        if isReset {
            guard case .failed(let error)? = outcome else {
                Issue.record("\(String(describing: outcome))")
                return
            }
            #expect(error.errno == ECONNRESET)
        } else {
            #expect(outcome == .ended)
        }
        first?.close()
        // It holds what tells it, which holds this.
        first = nil
        let ended = pair.loop.turnToEnd()
        #expect(ended)
    }

    @Test func `closing closes the socket, once`() throws {
        let pair = try pair()
        let first = try FirstBytes(pair.loop, descriptor: pair.descriptor) {}
        first.close()
        first.close()
        #expect(pair.client.receive() == [])
        pair.client.close()
        let ended = pair.loop.turnToEnd()
        #expect(ended)
    }
}
