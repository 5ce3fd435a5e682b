internal import EventLoop
internal import HTTP
internal import Sessions
internal import WebSocket

/// A connection that speaks HTTP/1.1: an engine's or operator's for its whole life, a client's until its upgrade.
///
/// Requests are pipelined: publishes are handed on at once and answered in the order of the requests; any other request waits until everything
/// before it is answered, and holds back what comes after it, so that each sees the effects of the ones before.
///
/// Flow: TCPStream → RequestParser → **HTTPConnection** → EngineRoutes, ClientRoutes → answers in order → TCPStream
final class HTTPConnection: StreamPeer {
    enum State {
        case open
        /// The last answer is written (or about to be); FIN follows, and the peer's is awaited until the deadline.
        case finishing(deadline: UInt64?)
        /// Became a WebSocket, or is closed.
        case gone
    }

    let core: WorkerCore
    let stream: TCPStream
    let ref: ConnectionRef
    let peer: SocketAddress
    var admission: Admission
    var wakesAt: UInt64?
    var state = State.open

    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    private var parser: RequestParser
    /// As the parser has it: the connection's since it was made.
    let bodyBytesMax: Int
    /// Bytes parsed so far: where in them a rule was broken is worth knowing.
    private var bytesParsed: UInt64 = 0
    /// When the bytes that are being parsed were read; asked for by the first publish among them.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var readAt: (wall: Timestamp, nanoseconds: UInt64)?
    /// A head whose body is still coming.
    private var head: RequestHead?
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var answers = AnswerPipeline()
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var window = PublishWindow()
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var publishHeads = PublishHeads()
    /// A request that must run alone, waiting for the answers before it.
    private var deferred: DeferredRequest?
    var hasDeferred: Bool { deferred != nil }
    /// A request runs that must run alone.
    var isExclusive = false
    /// Received but not yet parsed, while something holds it back.
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    var backlog: [UInt8] = []
    #if !DEBUG
    @safe @exclusivity(unchecked)
    #endif
    private(set) var output: [UInt8] = []
    private var outputSent = 0
    private var isInUnwritten = false
    var closesAfterAnswers = false
    /// A client that waits for its session's home, which is another worker's.
    var joining: (upgrade: ClientRoutes.Upgrade, head: RequestHead)?

    /// Parsing goes on at the end of the turn, when the answers have been written: not within the call that delivers.
    var resumeAfterTurn = false
    /// What this connection became, for the bytes that its parser has not seen.
    var upgraded: (any StreamPeer)?

    var requestStarted: UInt64?
    var bodyStarted: UInt64?
    var lastActivity: UInt64
    /// When the output last got shorter, or began.
    var lastProgress: UInt64 = 0
    private var requests: UInt64 = 0

    /// Answers not taken by an engine; beyond it, it is not read. A client, whom nothing but errors is answered, is not read while any waits.
    static let outputBytesMax = 1_048_576
    /// A client that has not become a WebSocket after so many requests will not.
    static let publicRequestsMax: UInt64 = 100

    init(_ core: WorkerCore, _ stream: TCPStream, ref: ConnectionRef, peer: SocketAddress, admission: Admission) {
        self.core = core
        self.stream = stream
        self.ref = ref
        self.peer = peer
        self.admission = admission
        parser = RequestParser(limits: core.plan.httpLimits)
        bodyBytesMax = core.plan.httpLimits.bodyBytesMax
        lastActivity = core.now
        // A client's head is due from its accept: it came to say something. An engine may hold a connection in readiness.
        if !isControl { requestStarted = core.now }
    }

    var isControl: Bool { if case .control = admission { true } else { false } }
    /// Its requests may be addressed to any `Host`: no page could have sent them.
    var mayHaveName: Bool { peer.isUnix || core.board.controlDoor.asksForKeys }
    var gaugeLabel: Int { isControl ? 1 : 0 }

    func start() {
        core.counters.add(.httpConnections, label: gaugeLabel)
        stream.setHandler(self)
        stream.startReading()
        schedule()
    }

    // MARK: Requests

    func stream(_ stream: TCPStream, didReceive bytes: Span<UInt8>) {
        core.counters.add(.receivedBytes, UInt64(bytes.count))
        guard case .open = state, !closesAfterAnswers else { return }
        lastActivity = core.now
        guard backlog.isEmpty, !isHeldBack else {
            unsafe bytes.withUnsafeBufferPointer { unsafe backlog.append(contentsOf: $0) }
            return stream.pauseReading()
        }
        parse(bytes)
        schedule()
    }

    private var isHeldBack: Bool {
        isExclusive || deferred != nil || window.isFull || output.count - outputSent > (isControl ? Self.outputBytesMax : 0)
    }

    private func parse(_ bytes: Span<UInt8>) {
        var position = 0
        readAt = nil
        defer { bytesParsed += UInt64(position) }
        do throws(HTTPViolation) {
            while case .open = state, !closesAfterAnswers, !isHeldBack {
                if publishesKnown(bytes, at: &position) { continue }
                guard let element = try parser.next(bytes, at: &position) else { break }
                switch consume element {
                case .head(let head):
                    guard head.hasBody else {
                        handle(head, [])
                        continue
                    }
                    // Nothing on the public listener takes a body: its route says what is wrong, and the body is not waited for.
                    guard isControl else {
                        handle(head, [])
                        closesAfterAnswers = true
                        continue
                    }
                    // Nor is the body of who has no key.
                    guard !refusesBody(of: head) else { continue }
                    self.head = head
                    bodyStarted = core.now
                    if head.expectsContinue { add(Response(.continue).encoded(keepAlive: true)) }
                case .body(let body):
                    guard let head else { preconditionFailure("a body came without a head") }
                    self.head = nil
                    bodyStarted = nil
                    handle(head, body)
                }
            }
            noteProgress()
        } catch {
            core.counters.add(.httpErrors, label: Metric.statusIndex(error.status.code))
            if !isControl { core.counters.add(.handshakes, label: HandshakeOutcome.malformed.index) }
            let reason = (bytesParsed == 0 ? ProxyHeaderReader.explanation(ofFirst: bytes) : nil) ?? error.message
            core.log.badRequest(error, reason, at: bytesParsed + UInt64(position), isControl: isControl, peer: peer)
            closesAfterAnswers = true
            let response = EngineResponse.error(error, reason)
            return add(response.encoded(keepAlive: false, includeBody: parser.brokenMethod != .head, date: core.dateLine))
        }
        guard position < bytes.count, !closesAfterAnswers else { return }
        // What came with the upgrade request is frames already.
        if let upgraded { return upgraded.stream(stream, didReceive: bytes.extracting(position...)) }
        guard case .open = state else { return }
        unsafe bytes.extracting(position...).withUnsafeBufferPointer { unsafe backlog.append(contentsOf: $0) }
        stream.pauseReading()
    }

    /// Keeps the clocks of an unfinished head.
    private func noteProgress() {
        if isBetweenRequests || head != nil { requestStarted = nil } else if requestStarted == nil { requestStarted = core.now }
    }

    /// Goes on with what was held back.
    func resume() {
        if case .open = state, let next = deferred, hasAnsweredAll, !isExclusive {
            deferred = nil
            run(next.head, next.body)
        }
        guard case .open = state, !isHeldBack else { return }
        if !backlog.isEmpty {
            let bytes = backlog
            backlog = []
            parse(bytes.span)
        }
        if case .open = state, !isHeldBack, backlog.isEmpty { stream.startReading() }
        schedule()
    }

    private func handle(_ head: RequestHead, _ body: [UInt8]) {
        requestStarted = nil
        if isControl, let publish = EngineRoutes.publish(head) {
            return self.publish(publish, head, body)
        }
        requests += 1
        guard hasAnsweredAll else {
            deferred = DeferredRequest(head, body)
            return
        }
        run(head, body)
    }

    private func run(_ head: RequestHead, _ body: [UInt8]) {
        if isControl, core.isParting { return answer(head, EngineRoutes.response(.gatewayStopped)) }
        if isControl { EngineRoutes.run(head, body, on: self) } else { ClientRoutes.run(head, body, on: self) }
    }

    /// Nothing that was asked before is unanswered, nor its answer still here: a 101 must not land in the middle of another.
    var hasAnsweredAll: Bool { answers.isEmpty && output.isEmpty }

    // MARK: Answers

    func add(_ answer: [UInt8]) {
        answers.add(answer)
        writeLater()
    }

    /// Answers the request being run, at once.
    func answer(_ head: RequestHead, _ response: EngineResponse) {
        add(encode(response, head))
    }

    func encode(_ response: EngineResponse, _ head: RequestHead) -> [UInt8] {
        // Engines publish until the end; only clients are sent elsewhere.
        let isLast = isControl ? core.isParting : core.isDraining || head.hasBody || requests >= Self.publicRequestsMax
        return encode(response, keepAlive: head.keepAlive && !isLast, includeBody: head.method != .head)
    }

    func encode(_ response: EngineResponse, keepAlive: Bool, includeBody: Bool = true) -> [UInt8] {
        if response.status.code >= 400 { core.counters.add(.httpErrors, label: Metric.statusIndex(response.status.code)) }
        if !keepAlive { closesAfterAnswers = true }
        return response.encoded(keepAlive: keepAlive, includeBody: includeBody, date: core.dateLine)
    }

    /// Answers the request being run when `work` is done; nothing else of this connection runs meanwhile.
    func answerLater(_ head: RequestHead, _ work: @escaping @Sendable (Switchboard) async -> EngineResponse) {
        isExclusive = true
        exclusiveHead = head
        let number = answers.reserve(AnswerPipeline.Awaited(keepAlive: head.keepAlive))
        let (board, ref, worker) = (core.board, ref, core.index)
        Task {
            let response = await work(board)
            board.mailboxes[worker].post(.respond(ref, number: number, response))
        }
    }

    private var exclusiveHead: RequestHead?

    func answer(_ number: UInt64, _ response: EngineResponse) {
        guard let head = exclusiveHead else { return }
        exclusiveHead = nil
        isExclusive = false
        fill(number, encode(response, head))
        resume()
    }

    func fill(_ number: UInt64, _ bytes: [UInt8]) {
        answers.fill(number, bytes)
        writeLater()
    }

    // MARK: Writing

    func writeLater() {
        guard !isInUnwritten else { return }
        isInUnwritten = true
        core.writeAtEndOfTurn(self)
    }

    /// Writes the answers that are ready and whose turn it is, with one send. Called at the end of the loop's turn.
    func writeAnswers() {
        isInUnwritten = false
        if case .gone = state { return }
        if output.isEmpty { lastProgress = core.now }
        answers.takeReady(into: &output) { core.dateLine }
        if !output.isEmpty { writeOutput() }
        if case .gone = state { return }
        if resumeAfterTurn || deferred != nil {
            resumeAfterTurn = false
            resume()
        }
        if case .open = state, closesAfterAnswers, answers.isEmpty, deferred == nil, output.isEmpty { finish() }
        schedule()
    }

    private func writeOutput() {
        switch stream.send(output.span.extracting(outputSent...)) {
        case .failed:
            core.counters.add(.sendErrors)
            cut()
        case .sent(let count):
            core.counters.add(.sentBytes, UInt64(count))
            outputSent += count
            if count > 0 {
                lastActivity = core.now
                lastProgress = core.now
            }
            if outputSent == output.count {
                // An idle connection keeps no buffer.
                if output.capacity > 4096 || answers.isEmpty { output = [] } else { output.removeAll(keepingCapacity: true) }
                outputSent = 0
            } else {
                // What was taken is let go of, also by an engine that never takes all; never are more bytes moved than were sent.
                if outputSent > output.count / 2 {
                    output.removeFirst(outputSent)
                    outputSent = 0
                }
                stream.waitUntilWritable()
            }
        }
    }

    func streamBecameWritable(_ stream: TCPStream) {
        if !output.isEmpty { writeOutput() }
        guard output.isEmpty else { return }
        resumeAfterTurn = true
        writeLater()
    }

    /// The next byte begins a request.
    var isBetweenRequests: Bool { parser.isIdle }
}
