import Glibc
import Testing

@testable import EventLoop

@Suite("Files of Unix-domain sockets")
struct UnixSocketFileTests {
    /// A directory of its own, for one test.
    private final class Place {
        let directory: String
        let path: UnixPath

        init() throws {
            var name = Array("/tmp/wsg-unix-XXXXXX".utf8CString)
            #expect(unsafe mkdtemp(&name) != nil)
            directory = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            path = try UnixPath("\(directory)/control.sock")
        }

        deinit {
            for name in names { unsafe unlink("\(directory)/\(name)") }
            unsafe rmdir(directory)
        }

        var names: [String] { ((try? Folder.names(directory)) ?? []).sorted() }

        var status: stat? {
            var status = stat()
            return unsafe lstat(path.path, &status) == 0 ? status : nil
        }

        func open(_ flags: Int32) -> Int32 { unsafe Glibc.open(path.path, flags | O_CREAT, 0o600) }

        /// As a process that was killed leaves one.
        func leaveStale() throws {
            let (sockets, _) = try UnixSocketFile.bind(path, count: 1)
            for socket in sockets { socket.close() }
        }
    }

    /// One loop, as many listeners as there are sockets, and what each accepted.
    private final class Listening {
        let loop: EventLoop
        private var listeners: [Listener] = []
        var accepted: [Int]
        var peers: [SocketAddress] = []

        init(_ sockets: [BoundSocket]) throws {
            loop = try EventLoop()
            accepted = sockets.map { _ in 0 }
            listeners = try sockets.enumerated().map { [loop] index, socket in
                try Listener(
                    loop, socket,
                    accepted: { [unowned self] descriptor, peer in
                        accepted[index] += 1
                        peers.append(peer)
                        _ = Glibc.close(descriptor)
                    }, refused: { _ in })
            }
        }

        func end() -> Bool {
            for listener in listeners { listener.close() }
            return loop.turnToEnd()
        }
    }

    @Test(arguments: [mode_t(0o022), 0, 0o077])
    func `the file is its owner's alone, whatever the umask`(mask: mode_t) async throws {
        // In a process of its own: the umask is the process's.
        await #expect(processExitsWith: .success) { [mask] in
            umask(mask)
            let place = try Place()
            let (sockets, file) = try UnixSocketFile.bind(place.path, count: 1)
            precondition(place.status!.st_mode == S_IFSOCK | 0o600)
            for socket in sockets { socket.close() }
            file.remove()
            precondition(place.status == nil)
        }
    }

    @Test func `clients are accepted as peers without an address`() throws {
        let place = try Place()
        let (sockets, file) = try UnixSocketFile.bind(place.path, count: 1)
        let service = try Listening(sockets)
        let client = try #require(RawClient(path: place.path))
        let accepted = service.loop.turn { service.accepted == [1] }
        #expect(accepted)
        #expect(service.peers[0] == .unix)
        #expect(service.peers[0].description == "unix")
        #expect(service.peers[0].isLoopback)
        client.close()
        let ended = service.end()
        #expect(ended)
        file.remove()
    }

    @Test func `several loops take turns at one queue`() throws {
        let place = try Place()
        let (sockets, file) = try UnixSocketFile.bind(place.path, count: 3)
        #expect(Set(sockets.map(\.descriptor)).count == 3)
        let service = try Listening(sockets)
        let clients = try (0..<30).map { _ in try #require(RawClient(path: place.path)) }
        let all = service.loop.turn { service.accepted.reduce(0, +) == 30 }
        #expect(all)
        #expect(service.accepted.allSatisfy { $0 > 0 }, "\(service.accepted)")
        for client in clients { client.close() }
        let ended = service.end()
        #expect(ended)
        file.remove()
        #expect(RawClient(path: place.path) == nil)
    }

    @Test func `a tool's stream connects to it`() throws {
        let place = try Place()
        let (sockets, file) = try UnixSocketFile.bind(place.path, count: 1)
        let service = try Listening(sockets)
        let recorder = Recorder()
        recorder.onWritable = { $0.startReading() }
        recorder.onEnd = { $0.close() }
        _ = try TCPStream.connect(service.loop, to: .unix(place.path), handler: recorder)
        let ended = service.loop.turn { recorder.ends == 1 }
        #expect(ended && recorder.writables == 1)
        let isOver = service.end()
        #expect(isOver)
        file.remove()
        let error = #expect(throws: SystemError.self) { try TCPStream.connect(service.loop, to: .unix(place.path), handler: recorder) }
        #expect(error?.isNotFound == true)
        let isEmpty = service.loop.turnToEnd()
        #expect(isEmpty)
    }

    @Test func `the socket of a process that has ended is replaced`() throws {
        let place = try Place()
        try place.leaveStale()
        let stale = try #require(place.status)
        #expect(RawClient(path: place.path) == nil)
        let (sockets, file) = try UnixSocketFile.bind(place.path, count: 1)
        #expect(place.status.map { $0.st_ino != stale.st_ino || $0.st_ctim.tv_nsec != stale.st_ctim.tv_nsec } == true)
        #expect(RawClient(path: place.path)?.close() != nil)
        for socket in sockets { socket.close() }
        file.remove()
        #expect(place.names == [])
    }

    @Test(arguments: [1, 3])
    func `a socket that somebody listens on is refused as in use, and goes on`(wanted: Int) throws {
        let place = try Place()
        let (sockets, file) = try UnixSocketFile.bind(place.path, count: 1)
        let error = #expect(throws: SystemError.self) { try UnixSocketFile.bind(place.path, count: wanted) }
        #expect(error?.isAddressInUse == true)
        #expect(error?.operation == "listen on \(place.path)")
        #expect(RawClient(path: place.path)?.close() != nil)
        for socket in sockets { socket.close() }
        file.remove()
    }

    @Test func `somebody whose queue is full listens as well`() throws {
        let place = try Place()
        let (sockets, file) = try UnixSocketFile.bind(place.path, count: 1, backlog: 0)
        let first = try #require(RawClient(path: place.path))
        let error = #expect(throws: SystemError.self) { try UnixSocketFile.bind(place.path, count: 1) }
        #expect(error?.isAddressInUse == true)
        first.close()
        for socket in sockets { socket.close() }
        file.remove()
    }

    @Test func `what is no socket is left alone`() throws {
        let place = try Place()
        let descriptor = place.open(O_WRONLY)
        #expect(unsafe write(descriptor, "x", 1) == 1)
        _ = Glibc.close(descriptor)
        let error = #expect(throws: SystemError.self) { try UnixSocketFile.bind(place.path, count: 1) }
        #expect(error?.isNotSocket == true)
        #expect(place.status?.st_size == 1)
        unsafe unlink(place.path.path)

        // Nor is a link followed, whatever it leads to.
        #expect(unsafe symlink("/nowhere", place.path.path) == 0)
        #expect(throws: SystemError.self) { try UnixSocketFile.bind(place.path, count: 1) }
        #expect(place.status.map { $0.st_mode & S_IFMT == S_IFLNK } == true)
    }

    @Test func `a directory that is not there, or takes nothing, is told`() throws {
        let nowhere = #expect(throws: SystemError.self) { try UnixSocketFile.bind(UnixPath("/nowhere/at/all"), count: 1) }
        #expect(nowhere?.description == "open the directory /nowhere/at: no such file or directory")
        let noDirectory = #expect(throws: SystemError.self) { try UnixSocketFile.bind(UnixPath("/etc/passwd/x"), count: 1) }
        #expect(noDirectory?.description == "open the directory /etc/passwd: not a directory")
    }

    @Test func `another's file that took its place is not removed`() throws {
        let place = try Place()
        let (first, ours) = try UnixSocketFile.bind(place.path, count: 1)
        unsafe unlink(place.path.path)
        let (second, theirs) = try UnixSocketFile.bind(place.path, count: 1)
        for socket in first { socket.close() }
        ours.remove()
        #expect(RawClient(path: place.path)?.close() != nil)
        for socket in second { socket.close() }
        theirs.remove()
        #expect(place.status == nil)
    }

    @Test func `whoever holds the directory is waited for, and not for ever`() throws {
        let place = try Place()
        let lock = unsafe open(place.directory, O_RDONLY | O_DIRECTORY)
        #expect(flock(lock, LOCK_EX) == 0)
        let error = #expect(throws: SystemError.self) { try UnixSocketFile.bind(place.path, count: 1) }
        #expect(error?.operation == "lock the directory \(place.directory)")
        _ = Glibc.close(lock)
        let (sockets, file) = try UnixSocketFile.bind(place.path, count: 1)
        for socket in sockets { socket.close() }
        file.remove()
        #expect(place.names == [])
    }

    @Test func `of many who start at once one gets it`() async throws {
        let place = try Place()
        let path = place.path
        for _ in 0..<20 {
            try place.leaveStale()
            let winners: [([BoundSocket], UnixSocketFile)] = await withTaskGroup(of: ([BoundSocket], UnixSocketFile)?.self) { group in
                for _ in 0..<8 { group.addTask { try? UnixSocketFile.bind(path, count: 1) } }
                var all: [([BoundSocket], UnixSocketFile)] = []
                for await one in group { if let one { all.append(one) } }
                return all
            }
            #expect(winners.count == 1)
            #expect(RawClient(path: path)?.close() != nil, "who got it is who answers")
            for (sockets, file) in winners {
                for socket in sockets { socket.close() }
                file.remove()
            }
        }
        #expect(place.names == [])
    }
}
