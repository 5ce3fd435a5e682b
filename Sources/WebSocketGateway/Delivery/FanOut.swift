internal import EventLoop
internal import Sessions
internal import WebSocket

/// The connections of every session on one worker, and the loop that writes a batch to each.
///
/// Flow: SessionHome → Batch → **FanOut** → sockets, or the outbox of a connection that lags
final class FanOut {
    let core: WorkerCore
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    private var sessions: [SessionID: LocalSession] = [:]

    init(_ core: WorkerCore) { self.core = core }

    // MARK: Members

    func add(
        _ client: ClientConnection, to id: SessionID, kind: SessionKind, incarnation: UInt64, lastID: EventID?, isBehind: Bool,
        replays: Bool = false
    ) -> LocalSession {
        let session: LocalSession
        if let known = sessions[id], known.incarnation == incarnation {
            session = known
        } else {
            sessions[id]?.isOver = true
            session = LocalSession(id, kind: kind, incarnation: incarnation)
            session.lastID = lastID
            sessions[id] = session
        }
        client.memberPlace = session.members.add(
            client.ref.slot, client.stream.descriptor,
            to: replays ? .replaying : isBehind ? .behind : client.filter == nil ? client.liveGroup : .careful, key: client.trafficKey)
        noteBehind(session)
        return session
    }

    func remove(_ client: ClientConnection, from session: LocalSession) {
        takeOut(client, of: session)
        noteBehind(session)
        if session.members.isEmpty, sessions[session.id] === session {
            sessions[session.id] = nil
            session.isOver = true
        }
    }

    /// Moves a member among those that get their events as it does from now on.
    func move(_ client: ClientConnection, to group: MemberPlace.Group, in session: LocalSession) {
        takeOut(client, of: session)
        client.memberPlace = session.members.add(client.ref.slot, client.stream.descriptor, to: group, key: client.trafficKey)
        noteBehind(session)
    }

    /// The home is told when the first member here falls behind, and when the last has caught up: engines may wait for that.
    private func noteBehind(_ session: LocalSession) {
        guard session.members.behind.isEmpty == session.hasBehind else { return }
        session.hasBehind.toggle()
        core.tell(session, hasBehind: session.hasBehind)
    }

    private func takeOut(_ client: ClientConnection, of session: LocalSession) {
        session.members.remove(client.ref.slot, at: client.memberPlace, movesPlace)
    }

    /// The member is known to read: it is served before those of whom that is not known.
    func promote(_ client: ClientConnection, in session: LocalSession) {
        client.memberPlace.index = session.members.promote(client.ref.slot, at: client.memberPlace, movesPlace)
    }

    private func movesPlace(of connection: UInt32, to index: Int) { core.client(at: connection)?.memberPlace.index = index }

    func connections(of id: SessionID) -> [UInt32] { sessions[id]?.members.connections ?? [] }

    func count(of id: SessionID) -> Int { sessions[id]?.members.count ?? 0 }

    func note(_ id: SessionID, _ incarnation: UInt64, keptFrom sequence: UInt64) {
        guard let session = sessions[id], session.incarnation == incarnation else { return }
        session.keptFrom = sequence
    }

    /// The session is over for good: its connections are closed with 1000, when they have taken what waits for them.
    func end(_ id: SessionID) {
        for connection in connections(of: id) { core.client(at: connection)?.sessionEnded() }
    }

    // MARK: Delivery

    /// A member that did not take the whole batch at once: what the kernel did instead.
    struct Exception {
        let connection: UInt32
        let result: SendResult
    }

    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var exceptions: [Exception] = []
    private var wantedBytes = WantedBytes()

    /// What a member's filter leaves of the batch that is being delivered.
    func wanted(of batch: Batch, by filter: TypeFilter, in encoding: Encoding) -> [UInt8] {
        wantedBytes.bytes(of: batch, by: filter, in: encoding)
    }

    /// Writes a batch to every member of the session on this worker.
    func deliver(_ batch: Batch, to id: SessionID) -> DeliveryCounts { sessions[id].map { deliver(batch, to: $0) } ?? DeliveryCounts() }

    /// As above, of a session whose home is here too: it is looked for once.
    func deliver(_ batch: Batch, of home: HomeSession) -> DeliveryCounts {
        if let local = home.local, !local.isOver { return deliver(batch, to: local) }
        home.local = sessions[home.id]
        return home.local.map { deliver(batch, to: $0) } ?? DeliveryCounts()
    }

    private func deliver(_ batch: Batch, to session: LocalSession) -> DeliveryCounts {
        session.lastID = batch.frames[batch.frames.count - 1].id
        session.keptFrom = batch.keptFrom
        session.eventsSeen += UInt64(batch.frames.count)

        exceptions.removeAll(keepingCapacity: true)
        wantedBytes.removeAll()
        var counts = DeliveryCounts()
        if session.members.areAllDirect, batch.encodings.count == 1 {
            // Those who are known to read stand first.
            send(batch, batch.encodings[0], of: session, .all, &counts)
        } else {
            sendToRows(batch, of: session, &counts)
        }
        if !exceptions.isEmpty { handleExceptions(batch, &counts) }
        record(batch, counts)
        return counts
    }

    private func sendToRows(_ batch: Batch, of session: LocalSession, _ counts: inout DeliveryCounts) {
        for encoding in batch.encodings { send(batch, encoding, of: session, .readers, &counts) }
        let sealed = session.members.sealed
        if !sealed.connections.isEmpty { sendSealed(batch, to: sealed, 0..<sealed.readers, &counts) }
        for encoding in batch.encodings { send(batch, encoding, of: session, .others, &counts) }
        if !sealed.connections.isEmpty { sendSealed(batch, to: sealed, sealed.readers..<sealed.connections.count, &counts) }
        for connection in session.members.behind { core.client(at: connection)?.leaveToHistory(batch, &counts) }
        for connection in session.members.replaying { core.client(at: connection)?.moreWasPublished() }
        for connection in session.members.careful { exceptions.append(Exception(connection: connection, result: .sent(0))) }
    }

    private func handleExceptions(_ batch: Batch, _ counts: inout DeliveryCounts) {
        // Closing a connection moves members, so nothing here looks at their places.
        let exceptions = exceptions
        for exception in exceptions {
            guard let client = core.client(at: exception.connection) else { continue }
            client.deliver(batch, after: exception.result, into: &counts)
        }
    }

    /// The one place where fan-out meets the kernel, but for what is sealed.
    private func send(
        _ batch: Batch, _ encoding: Encoding, of session: LocalSession, _ part: Members.Part, _ counts: inout DeliveryCounts
    ) {
        let (targets, members) = session.members.targets(encoding, part)
        guard !members.isEmpty else { return }
        let bytes = batch.bytes(in: encoding)
        let full = TCPStream.sendToEach(targets.span.extracting(members), bytes.span) { index, result in
            let connection = session.members.direct[encoding].connections[members.lowerBound + index]
            exceptions.append(Exception(connection: connection, result: result))
        }
        counts.uniform += full
        if full > 0 { countBytes(batch, encoding, times: full) }
    }

    func countBytes(_ batch: Batch, _ encoding: Encoding, times: Int) {
        let bytes = batch.bytes(in: encoding).count
        core.counters.add(.sentBytes, UInt64(times) &* UInt64(bytes))
        guard encoding.deflateClass != nil else { return }
        let plainBytes = batch.frames.reduce(0) { $0 + $1.bytes.count }
        core.counters.add(.deflateSavedBytes, UInt64(times) &* UInt64(plainBytes - bytes))
    }

    private func record(_ batch: Batch, _ counts: DeliveryCounts) {
        let now = Clocks.monotonicNanoseconds
        let counters = core.counters
        // By index and by property: a frame that is iterated over is copied with all that it refers to.
        for i in batch.frames.indices {
            let event = counts.counts(ofEvent: i)
            let type = Int(batch.frames[i].typeIndex)
            counters.add(.deliveries, label: type, UInt64(event.sent + event.queued))
            if event.dropped > 0 { counters.add(.deliveriesDropped, label: type, UInt64(event.dropped)) }
            counters.observe(
                .publishToSocket, label: type, nanoseconds: now &- batch.frames[i].publishedAt, times: UInt64(event.sent))
        }
    }
}
