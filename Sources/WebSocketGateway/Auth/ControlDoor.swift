internal import EventLoop
internal import Synchronization

/// Where keys of the control listener are looked at: those of now, and what each has left of its rate, for all workers.
///
/// Flow: HTTPConnection → **ControlDoor** → EngineRoutes
final class ControlDoor: Sendable {
    enum Refusal: String, Error, CaseIterable {
        case missing, unknown, scope, rate

        var index: Int { Self.allCases.firstIndex(of: self)! }
    }

    /// Why a request is not let in.
    struct Denial: Error, Equatable {
        let refusal: Refusal
        /// The name of a key that is good, and has not the scope.
        var key: String?
    }

    /// Whose request it is, as long as the keys are those that it was found among.
    struct Caller: Sendable {
        fileprivate let index: Int
        fileprivate let generation: Int
    }

    /// Otherwise whoever reaches the listener may do anything. New keys do not change it.
    let asksForKeys: Bool

    private let state: Locked<State>
    /// Counts the changes of keys: read with each publish whose head was seen before.
    private let generation = Atomic(0)

    private struct State: Sendable {
        var keys: APIKeys?
        /// Beside the keys.
        var allowances: [Allowance]
    }

    /// What a key has left, and of which rate: with another one it begins anew.
    private struct Allowance: Sendable {
        var bucket = TokenBucket()
        var rate: RateLimit?
    }

    init(_ keys: APIKeys?) {
        asksForKeys = keys != nil
        state = Locked(State(keys: keys, allowances: Array(repeating: Allowance(), count: keys?.entries.count ?? 0)))
    }

    /// The same keys change nothing, for nobody.
    func replace(_ keys: APIKeys) {
        state.withLock { state in
            guard state.keys?.entries != keys.entries else { return }
            // A key that stays keeps what it has used.
            let used = Dictionary(uniqueKeysWithValues: zip(state.keys?.entries.map(\.name) ?? [], state.allowances))
            state = State(keys: keys, allowances: keys.entries.map { used[$0.name] ?? Allowance() })
            generation.add(1, ordering: .releasing)
        }
    }

    /// `key` is nil where the request has none, or several. Call only where keys are asked for.
    func admit(_ key: [UInt8]?, _ scope: APIScope) throws(Denial) -> Caller {
        guard let key else { throw Denial(refusal: .missing) }
        let (keys, generation) = state.withLock { ($0.keys, self.generation.load(ordering: .relaxed)) }
        guard let keys, let index = keys.find(key.span) else { throw Denial(refusal: .unknown) }
        guard keys.entries[index].scopes.contains(scope) else { throw Denial(refusal: .scope, key: keys.entries[index].name) }
        return Caller(index: index, generation: generation)
    }

    /// Whether no keys were changed since.
    func isCurrent(_ caller: Caller) -> Bool { caller.generation == generation.load(ordering: .acquiring) }

    /// The key's name; nil when the keys were changed since.
    func name(of caller: Caller) -> String? {
        state.withLock { state in
            guard isCurrent(caller), let entries = state.keys?.entries, entries.indices.contains(caller.index) else { return nil }
            return entries[caller.index].name
        }
    }

    /// Takes note of so many events: 0 lets them in, as long as the key owes nothing; otherwise so many milliseconds are too early. However many they are,
    /// they are let in or refused together. `rate` is of the events that one key publishes; nil: as many as it likes.
    func publish(_ events: Int, by caller: Caller, now: UInt64, _ rate: RateLimit?) -> UInt64 {
        guard let rate else { return 0 }
        return state.withLock { state in
            guard isCurrent(caller), state.allowances.indices.contains(caller.index) else { return 0 }
            if state.allowances[caller.index].rate != rate { state.allowances[caller.index] = Allowance(rate: rate) }
            let wait = state.allowances[caller.index].bucket.wait(now: now, rate)
            if wait == 0 { state.allowances[caller.index].bucket.charge(events, now: now, rate) }
            return wait
        }
    }
}
