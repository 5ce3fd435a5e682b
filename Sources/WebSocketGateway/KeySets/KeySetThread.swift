internal import Curl
internal import EventLoop
internal import Synchronization

/// The thread that fetches the key set, one a gateway, from before the first client to the gateway's end. Nobody waits for it but the start, and that
/// once: whoever comes with an unknown key is answered, and the thread told.
///
/// Flow: TokenDoor → **KeySetThread** → Fetcher → KeySetKeeper → TokenDoor
final class KeySetThread: Sendable {
    /// Of the fetching thread.
    let counters = Counters()

    private struct State: Sendable {
        var source: KeySetSource
        /// Nil before the start.
        var fetcher: Fetcher?
        var thread: LoopThread?
        var isToRefresh = false
    }

    private let state: Locked<State>
    private let isStopped = Atomic(false)
    /// Set by whoever meets an unknown key, taken back when the fetch for it begins: of a thousand one wakes the thread.
    private let hasUnknownKey = Atomic(false)
    /// Monotonic nanoseconds: of the last fetch that was good; before there is one, of the start.
    private let freshAt = Atomic(Clocks.monotonicNanoseconds)

    init(_ source: KeySetSource) { state = Locked(State(source: source)) }

    /// Returns when the first fetch has ended, however it did: at the latest after its time-out. A gateway that restarts then knows its clients' tokens.
    func start(_ door: TokenDoor, _ log: GatewayLog) async throws(StartError) {
        let fetcher: Fetcher
        do throws(FetchFailure) { fetcher = try Fetcher() } catch { throw StartError(reason: "cannot fetch token keys: \(error.detail)") }
        state.withLock { $0.fetcher = fetcher }
        let result: Result<Void, StartError> = await withCheckedContinuation { continuation in
            do throws(SystemError) {
                let thread = try LoopThread { self.run(fetcher, door, log) { continuation.resume(returning: .success(())) } }
                state.withLock { $0.thread = thread }
            } catch {
                continuation.resume(returning: .failure(StartError(reason: "cannot start the thread that fetches token keys: \(error)")))
            }
        }
        try result.get()
    }

    private func run(_ fetcher: Fetcher, _ door: TokenDoor, _ log: GatewayLog, firstHasEnded: () -> Void) {
        Fetcher.prepareThread()
        var keeper = KeySetKeeper(door, counters, log)
        var isFirst = true
        var source = state.withLock { $0.source }
        var schedule = KeySetSchedule(refreshInterval: source.refreshInterval, unknownKeyInterval: source.unknownKeyInterval)
        while !isStopped.load(ordering: .acquiring) {
            if hasUnknownKey.load(ordering: .acquiring) { schedule.noteUnknownKey() }
            let isToRefresh = state.withLock { state in
                defer { state.isToRefresh = false }
                source = state.source
                return state.isToRefresh
            }
            if isToRefresh {
                schedule.refresh(refreshInterval: source.refreshInterval, unknownKeyInterval: source.unknownKeyInterval)
            }
            let wait = schedule.wait(now: Self.now)
            guard wait == 0 else {
                fetcher.wait(milliseconds: wait)
                continue
            }
            // Not before: as long as it is set nobody wakes us for it.
            hasUnknownKey.store(false, ordering: .releasing)
            schedule.begin(now: Self.now)
            guard let fetched = fetcher.fetch(source.request, while: { !isStopped.load(ordering: .acquiring) }) else { break }
            let hasKeys = keeper.take(fetched, from: source)
            schedule.end(now: Self.now, hasKeys: hasKeys)
            if hasKeys { freshAt.store(Clocks.monotonicNanoseconds, ordering: .relaxed) }
            if isFirst { firstHasEnded() }
            isFirst = false
        }
        if isFirst { firstHasEnded() }
    }

    private static var now: UInt64 { Clocks.monotonicNanoseconds / 1_000_000 }

    /// From any thread, at the cost of a load where it was said already.
    func noteUnknownKey() {
        guard !hasUnknownKey.load(ordering: .relaxed), !hasUnknownKey.exchange(true, ordering: .acquiringAndReleasing) else { return }
        state.withLock { $0.fetcher }?.wake()
    }

    /// Fetches now, as the settings say that were read again; after the fetch that is under way, which may have begun before.
    func refresh(_ source: KeySetSource) {
        let fetcher = state.withLock { state in
            state.source = source
            state.isToRefresh = true
            return state.fetcher
        }
        fetcher?.wake()
    }

    /// Seconds since the keys were known to be those of the issuer; where they never were, since the start.
    var ageSeconds: Double {
        let (now, fresh) = (Clocks.monotonicNanoseconds, freshAt.load(ordering: .relaxed))
        return Double(now > fresh ? now - fresh : 0) / 1e9
    }

    /// Breaks a fetch off, and returns when the thread has ended.
    func stop() async {
        isStopped.store(true, ordering: .releasing)
        let (fetcher, thread) = state.withLock { state in
            defer { state.thread = nil }
            return (state.fetcher, state.thread)
        }
        fetcher?.wake()
        if let thread { await StoreThread.joined(thread) }
    }
}
