import EventLoop
import OpenSSL
import Sessions
import WebSocket
import WebSocketGateway

/// One client of a load run: it checks everything it gets and keeps nothing.
///
/// Flow: TCPStream → ClientUpgrade → ServerFrameScanner (→ NATSReader) → **LoadConnection** (LoadJudge) → DeliveryLedger
final class LoadConnection: TCPStreamHandler {
    enum State: Equatable {
        case connecting
        case upgrading
        /// Upgraded; `connected`, or what says as much in another dialect, is still to come.
        case joining
        case open
        /// Over, and why.
        case ended(String)
    }

    let index: Int
    let isSlow: Bool
    let session: LoadSession
    let eventsWanted: UInt64
    /// It wants every other event only.
    private let isFiltered: Bool
    private(set) var state = State.connecting
    private(set) var ledger = DeliveryLedger(next: 1)
    private unowned let run: LoadRun
    private var stream: TCPStream?
    private var upgrade: ClientUpgrade
    private let dialect: LoadDialect
    private var scanner = ServerFrameScanner(deflate: false)
    private var operations = NATSReader()
    /// Bytes of NATS' frames that no message has been charged with yet: one frame holds many.
    private var unchargedBytes = 0
    /// NATS was told what we want.
    private var isSubscribed = false
    private var backlog = SendBacklog()
    private let startedAt = Clocks.monotonicNanoseconds

    private var seal: TLSSeal?

    init(_ run: LoadRun, _ loop: EventLoop, index: Int, isSlow: Bool, session: LoadSession) throws(SystemError) {
        self.run = run
        self.index = index
        self.isSlow = isSlow
        self.session = session
        dialect = run.plan.dialect
        eventsWanted = UInt64(run.plan.eventsWanted(by: index))
        isFiltered = run.plan.isFiltered(index)
        let gateway = run.plan.connect
        upgrade = ClientUpgrade(
            host: gateway.description, target: Self.target(run.plan, session, isFiltered: isFiltered),
            deflate: run.plan.deflate, token: run.plan.token)
        (stream, seal) = try gateway.connect(loop, handler: self)
    }

    var name: String { "connection \(index + 1) of session \(session.id)" }
    var hasEverything: Bool { ledger.received + ledger.conflated >= eventsWanted }

    private static func target(_ plan: LoadPlan, _ session: LoadSession, isFiltered: Bool) -> String {
        "/ws/\(plan.kind.rawValue)/\(session.id)" + (isFiltered ? "?types=\(plan.event.payload.eventType)" : "")
    }
    var isEnded: Bool { if case .ended = state { true } else { false } }

    /// A slow client reads on, to find out whether it was dropped.
    func resumeReading() { stream?.startReading() }

    func close() {
        guard let stream else { return }
        if state == .open { _ = stream.send(ClientSocket.closeFrame(.normal).span) }
        stream.close()
        self.stream = nil
        if !isEnded { state = .ended("closed by us") }
    }

    // MARK: TCPStreamHandler

    func streamBecameWritable(_ stream: TCPStream) {
        if state == .connecting {
            state = .upgrading
            backlog.append(upgrade.request)
            stream.startReading()
        }
        flush()
    }

    func stream(_ stream: TCPStream, didReceive bytes: Span<UInt8>) {
        let now = Clocks.monotonicNanoseconds
        var position = 0
        if state == .upgrading {
            switch upgrade.receive(bytes, at: &position) {
            case .incomplete: return
            case .refused(let refusal):
                run.wasRefused(refusal)
                return end("refused: \(refusal.text)")
            case .violated(let reason): return end(reason)
            case .accepted(deflate: run.plan.deflate):
                join()
                // The run that it completes may be over by now.
                guard !isEnded else { return }
            case .accepted:
                return end("the gateway does not agree on permessage-deflate; was it started with --deflate false?")
            }
        }
        do throws(ServerFrameScanner.Fault) {
            // Taken out: the frames' receiver changes this object while the scanner works.
            var scanner = ServerFrameScanner(deflate: false)
            swap(&scanner, &self.scanner)
            try scanner.receive(bytes.extracting(position...)) { head, payload in
                receive(head, payload, at: now)
                return !isEnded
            }
            self.scanner = scanner
        } catch {
            end("the gateway sent a frame it should not: \(error)")
        }
    }

    func streamDidReachEnd(_ stream: TCPStream) {
        if state == .connecting { run.cannotSeal(.closedInHandshake) }
        end("the gateway ended the connection without a Close frame")
    }

    func stream(_ stream: TCPStream, didFail error: SystemError) {
        if let failure = seal?.failure { run.cannotSeal(failure) }
        if state == .connecting { run.cannotConnect(error) }
        end(error.reason)
    }

    // MARK: Frames

    private func receive(_ head: ServerFrameScanner.Head, _ payload: Span<UInt8>, at now: UInt64) {
        switch head.opcode {
        case .text: receiveMessage(payload, isCompressed: head.isCompressed, wireBytes: head.frameBytes, at: now)
        case .binary where dialect == .nats: receiveOperations(head, payload, at: now)
        case .ping:
            backlog.append(FrameEncoder.maskedFrame(.pong, payload.copied(), maskingKey: .random(in: .min ... .max)))
            flush()
        case .close:
            let code = payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : 1005
            let reason = payload.count > 2 ? String(decoding: payload.extracting(2...).copied(), as: UTF8.self) : ""
            _ = stream?.send(ClientSocket.closeFrame(payload.count >= 2 ? CloseCode(rawValue: UInt16(code)) : nil).span)
            end("closed by the gateway: \(code) \(SafeText.escaped(reason))")
        case .pong: break
        case .binary, .continuation: end("the gateway sent a frame it should not")
        }
    }

    private func receiveMessage(_ payload: Span<UInt8>, isCompressed: Bool, wireBytes: Int, at now: UInt64) {
        do throws(ProtocolViolation) {
            guard state == .open else { return join(isCompressed ? try run.judge.open(payload) : payload.copied()) }
            switch try run.judge.judge(payload, isCompressed: isCompressed, of: session, next: nextID) {
            case .event(let event):
                receive(event, DeliverySize(wireBytes: wireBytes, messageBytes: event.messageBytes, isCompressed: isCompressed), at: now)
            case .wrong(let reason): run.offend(self, reason)
            case .own(let message): receiveOwn(message)
            }
        } catch {
            end("the gateway broke \(error.rfc) \(error.section): \(error.message)")
        }
    }

    /// What comes next where nothing is amiss. Who wants every other event counts those: its ledger has no holes.
    private var nextID: UInt64 { isFiltered ? (session.base ?? 0) + 2 * ledger.next - 1 : ledger.next }

    private func receive(_ event: LoadJudge.Found, _ size: DeliverySize, at now: UInt64) {
        let expected = nextID
        var place = event.id
        if isFiltered {
            let sequence = event.id &- (session.base ?? 0)
            guard sequence % 2 == 1 else { return run.offend(self, "event \(sequence) came, which is of a type that it does not want") }
            place = (sequence + 1) / 2
        }
        let verdict = ledger.receive(place)
        if verdict != .inOrder { run.offend(self, "\(verdict): \(expected) was expected, \(event.id) came") }
        if isSlow { return }
        run.didReceive(self, size, latency: now > event.sentAt ? now - event.sentAt : 0, at: now)
    }

    private func receiveOwn(_ message: [UInt8]) {
        let json = try? JSON.parse(message.span)
        let type = json?["type"]?.stringValue
        if type == "conflated", let data = json?["data"], leaveOut(data) { return }
        if type != "heartbeat" { run.offend(self, "the gateway said: \(LoadJudge.excerpt(message.span))") }
    }

    /// What the session's policy leaves out for who lags is no loss, where it is announced.
    private func leaveOut(_ data: JSON) -> Bool {
        func sequence(_ json: JSON?) -> UInt64? { json?.stringValue.flatMap { try? EventID(parsing: $0) }?.sequence }
        guard let ranges = data["ranges"]?.arrayValue, !ranges.isEmpty else { return false }
        for range in ranges {
            guard let ids = range.arrayValue, ids.count == 2, let first = sequence(ids[0]), let last = sequence(ids[1]),
                ledger.leaveOut(first, last)
            else { return false }
        }
        return true
    }

    // MARK: Joining

    /// The upgrade was answered.
    private func join() {
        scanner = ServerFrameScanner(
            deflate: run.plan.deflate,
            frameBytesMax: dialect == .nats ? ServerFrameScanner.joinedFrameBytesMax : ServerFrameScanner.frameBytesMax)
        state = .joining
        if dialect == .nchan { open() }
    }

    private func open() {
        state = .open
        if isSlow { stream?.pauseReading() }
        run.didOpen(self, nanoseconds: Clocks.monotonicNanoseconds - startedAt)
    }

    /// A gateway's first message is `connected` and says where the stream stands.
    private func join(_ payload: [UInt8]) {
        let message = try? JSON.parse(payload.span)
        guard message?["type"]?.stringValue == "connected" else { return end("the first message is not connected") }
        var base: UInt64 = 0
        if let text = message?["data"]?["last_id"]?.stringValue {
            guard let id = try? EventID(parsing: text), session.isOurs(id.epoch.description.utf8.span) else {
                return end("connected has a malformed or foreign last_id")
            }
            base = id.sequence
        }
        if let known = session.base, known != base {
            return end("the stream moved from \(known) to \(base) before we published; somebody else publishes to \(session.id)")
        }
        session.base = base
        ledger = DeliveryLedger(next: isFiltered ? 1 : base + 1)
        open()
    }

    // MARK: NATS

    /// A frame's payload is a piece of a stream: several operations, or a part of one.
    private func receiveOperations(_ head: ServerFrameScanner.Head, _ payload: Span<UInt8>, at now: UInt64) {
        unchargedBytes += head.frameBytes
        do throws(NATSReader.Fault) {
            // Taken out, as the scanner is.
            var operations = NATSReader()
            swap(&operations, &self.operations)
            try operations.receive(payload) { operation, payload in
                receive(operation, payload, at: now)
                return !isEnded
            }
            self.operations = operations
        } catch {
            end("the server broke NATS' protocol: \(error)")
        }
    }

    private func receive(_ operation: NATSReader.Operation, _ payload: Span<UInt8>, at now: UInt64) {
        switch operation {
        case .message:
            guard state == .open else { return end("a message came before the subscription was confirmed") }
            receiveMessage(payload, isCompressed: false, wireBytes: unchargedBytes, at: now)
            unchargedBytes = 0
        case .info where state == .joining && !isSubscribed:
            isSubscribed = true
            send("\(NATSConnection.connect)SUB \(NATSConnection.subject(session.id)) 1\r\nPING\r\n")
        case .pong where state == .joining:
            unchargedBytes = 0
            open()
        case .ping: send("PONG\r\n")
        case .error: end("the server says: \(LoadJudge.excerpt(payload))")
        case .info, .pong, .ok: break
        }
    }

    private func send(_ operations: String) {
        backlog.append(FrameEncoder.maskedFrame(.binary, Array(operations.utf8), maskingKey: .random(in: .min ... .max)))
        flush()
    }

    private func flush() {
        guard let stream else { return }
        do throws(SystemError) { try backlog.flush(to: stream) } catch { stream.sendingFailed(error) }
    }

    private func end(_ reason: String) {
        guard !isEnded else { return }
        state = .ended(reason)
        stream?.close()
        stream = nil
        run.didEnd(self, reason)
    }
}
