import Glibc
import Testing

@testable import EventLoop

@Suite("Poll handles")
struct PollHandlesTests {
    @Test func `a number's handle is kept for the next socket of that number`() async {
        // In a process of its own, where nobody else takes numbers.
        await #expect(processExitsWith: .success) {
            let loop = try EventLoop()
            let first = try TCPStream(loop, descriptor: socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
            let handle = unsafe first.handle
            let number = first.descriptor
            first.close()
            let second = try TCPStream(loop, descriptor: socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
            let third = try TCPStream(loop, descriptor: socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
            let isTheSame = unsafe second.handle == handle && second.descriptor == number
            let isAnother = unsafe third.handle != handle
            try #require(isTheSame && isAnother)
            second.close()
            third.close()
            try #require(loop.activeHandles == 0)
        }
    }

    /// The kernel reports many sockets at a time. What it said of one that is closed meanwhile must not be told to the one that has its number now.
    @Test func `what was reported of a closed socket is not told to the next of its number`() async {
        await #expect(processExitsWith: .success) {
            let loop = try EventLoop()
            var ends: [Int32] = [-1, -1]
            var pairs: [(near: Int32, far: Int32)] = []
            for _ in 0..<2 {
                try #require(
                    unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
                pairs.append((ends[0], ends[1]))
            }
            let streams = try pairs.map { try TCPStream(loop, descriptor: $0.near) }
            let recorders = [Recorder(), Recorder(), Recorder()]
            var next: TCPStream?
            // Whichever is served first closes the other and takes its number for a new one.
            for index in 0..<2 {
                streams[index].setHandler(recorders[index])
                recorders[index].onReceive = { _ in
                    guard next == nil else { return }
                    let other = streams[1 - index]
                    other.close()
                    var made: [Int32] = [-1, -1]
                    guard
                        unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0, &made)
                            == 0,
                        made[0] == other.descriptor,
                        let stream = try? TCPStream(loop, descriptor: made[0])
                    else { return }
                    pairs.append((made[0], made[1]))
                    stream.setHandler(recorders[2])
                    stream.startReading()
                    next = stream
                }
                streams[index].startReading()
                _ = unsafe write(pairs[index].far, "x", 1)
            }
            _ = loop.turn { next != nil }
            let replacement = try #require(next)
            for _ in 0..<10 { loop.runOnce() }
            try #require(recorders[2].received == [] && recorders[2].ends == 0 && recorders[2].failures == [])
            _ = unsafe write(pairs[2].far, "y", 1)
            let hasArrived = loop.turn { recorders[2].received == [UInt8(ascii: "y")] }
            try #require(hasArrived)
            replacement.close()
            for stream in streams { stream.close() }
            for pair in pairs { close(pair.far) }
            // It holds them all, and they hold it.
            for recorder in recorders { recorder.onReceive = { _ in } }
            let ended = loop.turnToEnd()
            try #require(ended)
        }
    }
}
