internal import CSQLite

/// One gateway for each history: `DIR/lock`, with the process's id in it, locked as long as this lives. The system unlocks it when the process ends, however.
final class DirectoryLock {
    private static let idBytesMax = 16

    private let descriptor: Int32
    private var isHeld = true

    init(directory: String) throws(StoreOpenError) {
        let path = "\(directory)/lock"
        let descriptor = unsafe wsg_store_open_lock(path)
        guard descriptor >= 0 else { throw .directory(directory, reason: "cannot open \(path): \(SystemReason.current)") }
        let content = Self.read(descriptor)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let isLocked = wsg_store_errno() == EWOULDBLOCK
            let reason = SystemReason.current
            close(descriptor)
            throw isLocked
                ? .inUse(directory: directory, process: Self.process(content))
                : .directory(directory, reason: "cannot lock \(path): \(reason)")
        }
        // Somebody else's file of that name is not overwritten.
        guard content.isEmpty || Self.process(content) != nil else {
            close(descriptor)
            throw .foreign(path: path)
        }
        self.descriptor = descriptor
        write("\(getpid())\n")
    }

    deinit { unlock() }

    func unlock() {
        guard isHeld else { return }
        isHeld = false
        // Said, and not left to the close: a child of this process has a copy of the descriptor until it has become its own program.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    private static func read(_ descriptor: Int32) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: idBytesMax)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
        return Array(bytes.prefix(max(0, count)))
    }

    private static func process(_ content: [UInt8]) -> Int32? {
        guard content.last == UInt8(ascii: "\n") else { return nil }
        return Int32(String(decoding: content.dropLast(), as: UTF8.self))
    }

    /// For people to read; the lock does not need it.
    private func write(_ text: String) {
        let bytes = Array(text.utf8)
        guard ftruncate(descriptor, 0) == 0 else { return }
        _ = unsafe bytes.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }
}
