internal import EventLoop
internal import Sessions

/// The thread that owns the store, from the start of the gateway to its end. Used from one task at a time.
final class StoreThread: Sendable {
    private let thread = Locked<LoopThread?>(nil)

    /// Opens the store on a thread of its own, and returns what it remembers. `open` may block; its error is what the operator reads.
    func start(_ board: Switchboard, _ open: @escaping @Sendable () throws -> any HistoryStore) async throws(StartError) -> StoredState {
        let result: Result<StoredState, StartError> = await withCheckedContinuation { continuation in
            do throws(SystemError) {
                let thread = try LoopThread { Self.run(board, open) { continuation.resume(returning: $0) } }
                self.thread.withLock { $0 = thread }
            } catch {
                continuation.resume(returning: .failure(StartError(reason: "cannot start the store's thread: \(error)")))
            }
        }
        return try result.get()
    }

    private static func run(
        _ board: Switchboard, _ open: () throws -> any HistoryStore, opened: (Result<StoredState, StartError>) -> Void
    ) {
        let core: StoreCore
        let state: StoredState
        do {
            let store = try open()
            state = try StoreCore.remember(store)
            core = try StoreCore(board, store)
        } catch {
            return opened(.failure(StartError(reason: "\(error)")))
        }
        opened(.success(state))
        core.run()
    }

    /// Everything given to the store is committed, and the store is closed, when it returns. After the workers have ended.
    func stop(_ board: Switchboard) async {
        guard
            let thread = thread.withLock({ thread in
                defer { thread = nil }
                return thread
            })
        else { return }
        board.storeMailbox.post(.stop)
        await Self.joined(thread)
    }

    /// Waiting for a thread blocks: not on the pool that runs everybody's tasks.
    static func joined(_ threads: LoopThread...) async { await joined(threads) }

    static func joined(_ threads: [LoopThread]) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let waiter = try? LoopThread {
                for thread in threads { thread.join() }
                continuation.resume()
            }
            if let waiter { waiter.detach() } else { continuation.resume() }
        }
    }
}
