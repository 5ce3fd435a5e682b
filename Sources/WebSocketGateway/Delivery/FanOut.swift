internal import EventLoop
internal import Sessions
internal import WebSocket

/// One connection as the fan-out sees it: enough to send without touching the connection itself. 10 bytes, in a dense array per session.
struct Member {
    enum Path: UInt8 {
        /// Nothing waits for it: its bytes go straight to the kernel.
        case direct
        /// Its outbox is not empty, or it wants only some types: its connection decides.
        case careful
    }

    let descriptor: Int32
    let connection: UInt32
    var path: Path
    let encoding: Encoding
}

/// A session's connections on one worker.
final class LocalSession {
    let id: SessionID
    let kind: SessionKind
    /// The home's; tells this session from an ended one of the same name.
    let incarnation: UInt64
    var members: ContiguousArray<Member> = []
    /// The newest event handed out here.
    var lastID: EventID?
    /// Events handed out here since the first member came; a member's own count is the difference to when it joined.
    var eventsSeen: UInt64 = 0

    init(_ id: SessionID, kind: SessionKind, incarnation: UInt64) {
        self.id = id
        self.kind = kind
        self.incarnation = incarnation
    }
}

/// The connections of every session on one worker, and the loop that writes a batch to each.
///
/// Flow: SessionHome → Batch → **FanOut** → sockets, or the outbox of a connection that lags
final class FanOut {
    private unowned let core: WorkerCore
    private var sessions: [SessionID: LocalSession] = [:]

    init(_ core: WorkerCore) { self.core = core }

    // MARK: Members

    func add(_ client: ClientConnection, to id: SessionID, kind: SessionKind, incarnation: UInt64, lastID: EventID?) -> LocalSession {
        let session: LocalSession
        if let known = sessions[id], known.incarnation == incarnation {
            session = known
        } else {
            session = LocalSession(id, kind: kind, incarnation: incarnation)
            session.lastID = lastID
            sessions[id] = session
        }
        client.memberIndex = session.members.count
        session.members.append(
            Member(
                descriptor: client.stream.descriptor, connection: client.ref.slot, path: client.filter == nil ? .direct : .careful,
                encoding: client.encoding))
        return session
    }

    func remove(_ client: ClientConnection, from session: LocalSession) {
        let index = client.memberIndex
        precondition(session.members[index].connection == client.ref.slot, "a member's index points at another connection")
        let last = session.members.count - 1
        if index != last {
            session.members[index] = session.members[last]
            core.client(at: session.members[index].connection)?.memberIndex = index
        }
        session.members.removeLast()
        if session.members.isEmpty, sessions[session.id] === session { sessions[session.id] = nil }
    }

    func setPath(_ path: Member.Path, of client: ClientConnection, in session: LocalSession) {
        session.members[client.memberIndex].path = path
    }

    func connections(of id: SessionID) -> [UInt32] { sessions[id]?.members.map(\.connection) ?? [] }

    func count(of id: SessionID) -> Int { sessions[id]?.members.count ?? 0 }

    /// The session is over for good: its connections are closed with 1000.
    func end(_ id: SessionID) {
        for connection in connections(of: id) { core.client(at: connection)?.close(.normal, reason: "session ended") }
    }

    // MARK: Delivery

    /// A member that did not take the whole batch at once: what the kernel did instead.
    private struct Exception {
        let connection: UInt32
        let result: SendResult
    }

    private var exceptions: [Exception] = []

    /// Writes a batch to every member of the session on this worker.
    func deliver(_ batch: Batch, to id: SessionID) -> DeliveryCounts {
        guard let session = sessions[id] else { return DeliveryCounts() }
        session.lastID = batch.frames[batch.frames.count - 1].id
        session.eventsSeen += UInt64(batch.frames.count)

        exceptions.removeAll(keepingCapacity: true)
        var counts = DeliveryCounts()
        let full = Self.sendAll(batch, to: &session.members, exceptions: &exceptions)
        counts.uniform = full.total
        countBytes(batch, full)
        // Closing a connection moves members, so nothing below looks at their places.
        let lagging = exceptions
        for exception in lagging {
            guard let client = core.client(at: exception.connection) else { continue }
            client.deliver(batch, after: exception.result, into: &counts)
        }
        record(batch, counts)
        return counts
    }

    /// The one place where fan-out meets the kernel: the same bytes to each descriptor of an encoding. Returns how many took everything.
    ///
    /// Static, with the array as `inout`: a span of a class's property does not compile, and indexing through the class costs
    /// 44 instructions a member where the span costs 25.
    private static func sendAll(
        _ batch: Batch, to members: inout ContiguousArray<Member>, exceptions: inout [Exception]
    ) -> PerEncoding<Int> {
        let (plain, window12, window9) = (batch.bytes(in: .plain), batch.bytes(in: .window12), batch.bytes(in: .window9))
        var full = PerEncoding(0)
        unsafe plain.withUnsafeBufferPointer { plain in
            unsafe window12.withUnsafeBufferPointer { window12 in
                unsafe window9.withUnsafeBufferPointer { window9 in
                    let span = members.mutableSpan
                    for i in span.indices {
                        let member = span[i]
                        guard member.path == .direct else {
                            exceptions.append(Exception(connection: member.connection, result: .sent(0)))
                            continue
                        }
                        let buffer =
                            switch member.encoding {
                            case .plain: unsafe plain
                            case .window12: unsafe window12
                            case .window9: unsafe window9
                            }
                        let result = unsafe TCPStream.send(member.descriptor, buffer.baseAddress, buffer.count)
                        if result == .sent(buffer.count) {
                            full[member.encoding] += 1
                        } else {
                            exceptions.append(Exception(connection: member.connection, result: result))
                        }
                    }
                }
            }
        }
        return full
    }

    private func countBytes(_ batch: Batch, _ full: PerEncoding<Int>) {
        let plainBytes = full.plain == full.total ? 0 : batch.frames.reduce(0) { $0 + $1.bytes.count }
        for encoding in Encoding.allCases where full[encoding] > 0 {
            let bytes = batch.bytes(in: encoding).count
            core.counters.add(.sentBytes, UInt64(full[encoding]) &* UInt64(bytes))
            if encoding != .plain { core.counters.add(.deflateSavedBytes, UInt64(full[encoding]) &* UInt64(plainBytes - bytes)) }
        }
    }

    private func record(_ batch: Batch, _ counts: DeliveryCounts) {
        let now = Clocks.monotonicNanoseconds
        for (i, frame) in batch.frames.enumerated() {
            let event = counts.counts(ofEvent: i)
            core.counters.add(.deliveries, label: Int(frame.typeIndex), UInt64(event.sent + event.queued))
            if event.dropped > 0 { core.counters.add(.deliveriesDropped, label: Int(frame.typeIndex), UInt64(event.dropped)) }
            core.counters.observe(.publishToSocket, nanoseconds: now &- frame.publishedAt, times: UInt64(event.sent))
        }
    }
}
