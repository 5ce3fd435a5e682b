import EventLoop
import Sessions
import WebSocket

/// One client of a load run: it checks everything it gets and keeps nothing.
///
/// Flow: TCPStream → ClientUpgrade → ServerFrameScanner → **LoadConnection** → DeliveryLedger
final class LoadConnection: TCPStreamHandler {
    enum State: Equatable {
        case connecting
        case upgrading
        /// Upgraded, `connected` is still to come.
        case joining
        case open
        /// Over, and why.
        case ended(String)
    }

    let index: Int
    let isSlow: Bool
    let session: LoadSession
    private(set) var state = State.connecting
    private(set) var ledger = DeliveryLedger(next: 1)
    private unowned let run: LoadRun
    private var stream: TCPStream?
    private var upgrade: ClientUpgrade
    private var scanner = ServerFrameScanner()
    private var backlog = SendBacklog()
    private let startedAt = Clocks.monotonicNanoseconds

    init(_ run: LoadRun, _ loop: EventLoop, index: Int, isSlow: Bool, session: LoadSession) throws(SystemError) {
        self.run = run
        self.index = index
        self.isSlow = isSlow
        self.session = session
        let address = run.plan.connect
        upgrade = ClientUpgrade(host: address.description, target: "/ws/\(run.plan.kind.rawValue)/\(session.id)")
        stream = try TCPStream.connect(loop, to: address, handler: self)
    }

    var name: String { "connection \(index + 1) of session \(session.id)" }
    var hasEverything: Bool { ledger.received >= UInt64(run.plan.events) }
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
            case .accepted: state = .joining
            }
        }
        do throws(ServerFrameScanner.Fault) {
            // Taken out: the frames' receiver changes this object while the scanner works.
            var scanner = ServerFrameScanner()
            swap(&scanner, &self.scanner)
            try scanner.receive(bytes.extracting(position...)) { opcode, payload in
                receive(opcode, payload, at: now)
                return !isEnded
            }
            self.scanner = scanner
        } catch {
            end("the gateway sent a frame it should not: \(error)")
        }
    }

    func streamDidReachEnd(_ stream: TCPStream) { end("the gateway ended the connection without a Close frame") }

    func stream(_ stream: TCPStream, didFail error: SystemError) {
        if state == .connecting { run.cannotConnect(error) }
        end(error.reason)
    }

    // MARK: Frames

    private func receive(_ opcode: Opcode, _ payload: Span<UInt8>, at now: UInt64) {
        switch opcode {
        case .text: state == .open ? receiveMessage(payload, at: now) : join(payload)
        case .ping:
            backlog.append(FrameEncoder.maskedFrame(.pong, Self.copy(payload), maskingKey: .random(in: .min ... .max)))
            flush()
        case .close:
            let code = payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : 1005
            let reason = payload.count > 2 ? String(decoding: Self.copy(payload.extracting(2...)), as: UTF8.self) : ""
            _ = stream?.send(ClientSocket.closeFrame(payload.count >= 2 ? CloseCode(rawValue: UInt16(code)) : nil).span)
            end("closed by the gateway: \(code) \(SafeText.escaped(reason))")
        case .pong: break
        case .binary, .continuation: end("the gateway sent a frame it should not")
        }
    }

    /// The first message is `connected` and says where the stream stands.
    private func join(_ payload: Span<UInt8>) {
        let message = try? JSON.parse(payload)
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
        ledger = DeliveryLedger(next: base + 1)
        state = .open
        if isSlow { stream?.pauseReading() }
        run.didOpen(self, nanoseconds: Clocks.monotonicNanoseconds - startedAt)
    }

    private func receiveMessage(_ payload: Span<UInt8>, at now: UInt64) {
        switch LoadEvent.read(payload, dataBytes: run.plan.dataBytes) {
        case .event(let epoch, let id, let sequence, let sentAt):
            guard session.isOurs(payload.extracting(epoch)) else { return run.offend(self, "an event of another epoch, \(id)") }
            let expected = ledger.next
            let verdict = ledger.receive(id)
            if verdict != .inOrder { run.offend(self, "\(verdict): \(expected) was expected, \(id) came") }
            if id != (session.base ?? 0) + sequence { run.offend(self, "id \(id) carries event \(sequence) of those published") }
            if !isSlow { run.didReceive(self, latency: now > sentAt ? now - sentAt : 0, at: now) }
        case .foreign: run.offend(self, "an event that was not published by us: \(Self.excerpt(payload))")
        case .own: receiveOwn(payload)
        }
    }

    private func receiveOwn(_ payload: Span<UInt8>) {
        let type = (try? JSON.parse(payload))?["type"]?.stringValue
        if type != "heartbeat" { run.offend(self, "the gateway said: \(Self.excerpt(payload))") }
    }

    private static func copy(_ bytes: Span<UInt8>) -> [UInt8] { bytes.indices.map { bytes[$0] } }

    private static func excerpt(_ payload: Span<UInt8>) -> String {
        SafeText.escaped(String(decoding: copy(payload.extracting(..<min(200, payload.count))), as: UTF8.self))
    }

    private func flush() {
        guard let stream else { return }
        do throws(SystemError) { try backlog.flush(to: stream) } catch { end(error.reason) }
    }

    private func end(_ reason: String) {
        guard !isEnded else { return }
        state = .ended(reason)
        stream?.close()
        stream = nil
        run.didEnd(self, reason)
    }
}
