internal import Sessions

/// The commands under way at one home, and those that were answered not long ago. Knows no clock, socket or thread: what should happen is returned.
///
/// A command is in `open` from the moment it is given to an engine until it is settled, which happens once.
///
/// Flow: CommandDesk → **CommandTable** → CommandDesk
struct CommandTable {
    struct Limits {
        /// Commands of one session without an answer, those that wait for another's included.
        var sessionMax = 1024
        /// Of all sessions of the home.
        var countMax = 16_384
        /// Refs remembered.
        var refsMax = 65_536
        /// Of the answers remembered.
        var refBytesMax = 16_777_216
        /// How long a ref is remembered, in milliseconds.
        var refLifetime: UInt64 = 300_000
    }

    enum Begun {
        /// Give it to the engine under this number.
        case send(UInt64)
        /// The same command is under way: it will have the same answer.
        case waits
        /// It has its answer already: the one that its ref had before, or a refusal.
        case answered(CommandAnswer)
    }

    /// A command that has left the table, and everybody who waits for its answer.
    struct Settled {
        let requests: [CommandRequest]
        let answer: CommandAnswer
    }

    private struct Open {
        var requests: [CommandRequest]
        let engine: EngineID
        let key: RefKey?
    }

    /// By bytes: to `String` two spellings of one letter are the same, and two users would have each other's answers.
    private struct RefKey: Hashable {
        let session: SessionID
        let subject: [UInt8]?
        let ref: [UInt8]

        init(_ session: SessionID, subject: String?, ref: String) {
            self.session = session
            self.subject = subject.map { Array($0.utf8) }
            self.ref = Array(ref.utf8)
        }
    }

    private struct Remembered {
        let digest: Int
        let at: UInt64
        var state: State

        enum State {
            case open(UInt64)
            case done(CommandAnswer)
        }

        var bytes: Int { if case .done(let answer) = state { answer.members.count + answer.message.utf8.count } else { 0 } }
    }

    private let limits: Limits
    private var next: UInt64
    private var open: [UInt64: Open] = [:]
    private var openOf: [EngineID: Set<UInt64>] = [:]
    private var countOf: [SessionID: Int] = [:]
    private(set) var count = 0
    /// By their time-outs, which are two: within each the deadlines ascend.
    private var deadlines: [UInt64: Queue<(number: UInt64, at: UInt64)>] = [:]
    private var refs: [RefKey: Remembered] = [:]
    private var refOrder = Queue<(key: RefKey, at: UInt64)>()
    private var refBytes = 0

    /// Numbers go up from `firstNumber`, which no earlier process should have used.
    init(firstNumber: UInt64, limits: Limits = Limits()) {
        next = firstNumber
        self.limits = limits
    }

    // MARK: A command comes

    /// - Parameter engine: who serves the session; nil: nobody.
    mutating func begin(_ request: CommandRequest, engine: EngineID?, now: UInt64, timeout: UInt64) -> Begun {
        let key = request.ref.map { RefKey(request.session, subject: request.subject, ref: $0) }
        forgetOld(now: now)
        if let key, let known = refs[key] {
            guard known.digest == request.digest else { return .answered(.refReused) }
            switch known.state {
            case .done(let answer): return .answered(answer)
            case .open(let number):
                guard hasRoom(for: request.session) else { return .answered(.tooMany) }
                open[number]?.requests.append(request)
                enter(request.session)
                return .waits
            }
        }
        guard let engine else { return .answered(.noEngine) }
        guard hasRoom(for: request.session) else { return .answered(.tooMany) }
        let number = next
        next = (next &+ 1) & CommandID.numberMask
        open[number] = Open(requests: [request], engine: engine, key: key)
        openOf[engine, default: []].insert(number)
        enter(request.session)
        deadlines[timeout, default: Queue()].append((number, now + timeout))
        if let key { remember(key, Remembered(digest: request.digest, at: now, state: .open(number))) }
        return .send(number)
    }

    private func hasRoom(for session: SessionID) -> Bool { count < limits.countMax && countOf[session, default: 0] < limits.sessionMax }

    private mutating func enter(_ session: SessionID) {
        count += 1
        countOf[session, default: 0] += 1
    }

    // MARK: It leaves, once

    /// Nil where it is not under way (any more), or another engine has it.
    /// - Parameter isRemembered: false where the engine never got it, so that it may be tried again.
    mutating func settle(_ number: UInt64, by engine: EngineID, _ answer: CommandAnswer, isRemembered: Bool = true) -> Settled? {
        guard open[number]?.engine == engine else { return nil }
        return settle(number, answer, isRemembered: isRemembered)
    }

    /// Everything that this engine has and has not answered.
    mutating func lose(_ engine: EngineID) -> [Settled] {
        (openOf[engine] ?? []).sorted().compactMap { settle($0, .engineLost) }
    }

    mutating func expire(now: UInt64) -> [Settled] {
        var late: [UInt64] = []
        for timeout in Array(deadlines.keys) {
            while let first = deadlines[timeout]?.first, first.at <= now || open[first.number] == nil {
                deadlines[timeout]?.removeFirst()
                if open[first.number] != nil { late.append(first.number) }
            }
        }
        return late.compactMap { settle($0, .timeout) }
    }

    /// When ``expire(now:)`` will have something to say; nil while nothing is under way.
    mutating func nextDeadline() -> UInt64? {
        var next: UInt64?
        for timeout in Array(deadlines.keys) {
            while let first = deadlines[timeout]?.first, open[first.number] == nil { deadlines[timeout]?.removeFirst() }
            if let at = deadlines[timeout]?.first?.at { next = min(next ?? at, at) }
        }
        return next
    }

    private mutating func settle(_ number: UInt64, _ answer: CommandAnswer, isRemembered: Bool = true) -> Settled? {
        guard let entry = open.removeValue(forKey: number) else { return nil }
        openOf[entry.engine]?.remove(number)
        if openOf[entry.engine]?.isEmpty == true { openOf[entry.engine] = nil }
        for request in entry.requests {
            count -= 1
            let left = countOf[request.session, default: 1] - 1
            countOf[request.session] = left > 0 ? left : nil
        }
        if let key = entry.key, var known = refs[key] {
            if isRemembered {
                known.state = .done(answer)
                refs[key] = known
                refBytes += known.bytes
                forgetOverLimit()
            } else {
                forget(key)
            }
        }
        return Settled(requests: entry.requests, answer: answer)
    }

    // MARK: Refs

    var refCount: Int { refs.count }

    private mutating func remember(_ key: RefKey, _ entry: Remembered) {
        refs[key] = entry
        refOrder.append((key, entry.at))
        forgetOverLimit()
    }

    private mutating func forget(_ key: RefKey) {
        if let gone = refs.removeValue(forKey: key) { refBytes -= gone.bytes }
    }

    private mutating func forgetOld(now: UInt64) {
        while let first = refOrder.first {
            guard let known = refs[first.key], known.at == first.at else {
                refOrder.removeFirst()
                continue
            }
            guard now >= known.at + limits.refLifetime else { return }
            refOrder.removeFirst()
            if case .open = known.state { refOrder.append(first) } else { forget(first.key) }
            // Deadlines are shorter than the lifetime, unless they are set otherwise: one look at each is enough.
            if case .open = known.state { return }
        }
    }

    /// The oldest that has its answer goes. There is one: open ones have no bytes, and are fewer than may be remembered.
    private mutating func forgetOverLimit() {
        var looks = refOrder.count
        while refs.count > limits.refsMax || refBytes > limits.refBytesMax, looks > 0, let first = refOrder.first {
            looks -= 1
            refOrder.removeFirst()
            guard let known = refs[first.key], known.at == first.at else { continue }
            if case .open = known.state { refOrder.append(first) } else { forget(first.key) }
        }
    }
}

/// First in, first out, in one array: what was taken is given back when it is the greater part.
private struct Queue<Element> {
    private var entries: [Element] = []
    private var head = 0

    var first: Element? { head < entries.count ? entries[head] : nil }
    var count: Int { entries.count - head }

    mutating func append(_ element: Element) { entries.append(element) }

    mutating func removeFirst() {
        head += 1
        if head == entries.count {
            (entries, head) = ([], 0)
        } else if head > 64, head > entries.count / 2 {
            entries.removeFirst(head)
            head = 0
        }
    }
}
