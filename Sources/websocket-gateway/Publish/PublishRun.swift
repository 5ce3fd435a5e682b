import EventLoop
import Sessions

/// One `publish`: standard input, in order, over one kept-alive connection with several requests on their way.
///
/// Flow: StandardInput → LineSplitter → LineCheck → **PublishRun** → PublishBatch → ControlConnection
final class PublishRun: ControlConnectionHandler {
    /// Requests on their way at once. The gateway takes 512 from one connection; 16 keep it busy.
    static let requestsInFlightMax = 16
    /// The gateway closes a connection that is idle for 75 s. We do it first: a request sent into a closing connection is one of which
    /// nobody knows whether it was carried out.
    static let idleMilliseconds: UInt64 = 30_000
    private static let connectMilliseconds: UInt64 = 10_000
    private static let answerMilliseconds: UInt64 = 60_000

    private let tool: ToolLoop
    private let gateway: GatewayTarget
    private let session: SessionID
    private let linesMax: Int
    private let isVerbose: Bool
    private let key: BearerText?

    private var input: StandardInput?
    private var splitter = LineSplitter()
    private var waiting: ArraySlice<NumberedLine> = []
    private var inputEnded = false
    private var connection: ControlConnection?
    private var inFlight: ArraySlice<PublishBatch> = []
    private var totals = PublishTotals()
    private var timer: LoopTimer?
    private var lastProgress: UInt64 = 0
    /// Why nothing more is sent.
    private var refusal: String?
    private let startedAt = Clocks.monotonicNanoseconds

    init(_ tool: ToolLoop, _ gateway: GatewayTarget, key: BearerText?, _ session: SessionID, linesMax: Int, isVerbose: Bool) {
        self.tool = tool
        self.gateway = gateway
        self.key = key
        self.session = session
        self.linesMax = linesMax
        self.isVerbose = isVerbose
    }

    /// Connects before it reads: a gateway that is not there should be known before the first event.
    func start() throws(SystemError) {
        tool.interrupted = { [unowned self] in interrupt() }
        input = try StandardInput(tool.loop) { [unowned self] in receive($0) }
        timer = LoopTimer(tool.loop) { [unowned self] in checkTime() }
        timer?.start(delay: 1000, every: 1000)
        connect()
    }

    private func connect() {
        noteProgress()
        do throws(SystemError) {
            connection = try ControlConnection(tool.loop, to: gateway, key: key, handler: self)
        } catch {
            end(gateway.explain(error))
        }
    }

    // MARK: Input

    private func receive(_ chunk: StandardInput.Chunk) {
        do throws(LineSplitter.LineTooLong) {
            switch chunk {
            case .bytes(let bytes): accept(try splitter.receive(bytes))
            case .failed(let error): stopReading("\(error)")
            case .end:
                inputEnded = true
                if let line = try splitter.finish() { accept([line]) }
            }
        } catch {
            stopReading("line \(error.number) is longer than \(LineSplitter.lineBytesMax) bytes")
        }
        pump()
    }

    private func accept(_ lines: [NumberedLine]) {
        for line in lines {
            if let fault = LineCheck.fault(in: line) { return stopReading("line \(line.number) is refused: \(fault)") }
            waiting.append(line)
        }
    }

    /// Nothing more is taken from the input; what was taken is still published.
    private func stopReading(_ reason: String) {
        refusal = refusal ?? reason
        inputEnded = true
    }

    /// The first Ctrl-C ends the input, the second one the program.
    private func interrupt() {
        guard !inputEnded, !inFlight.isEmpty else { return finish(inFlight.isEmpty && waiting.isEmpty ? 0 : 1) }
        inputEnded = true
        pump()
    }

    // MARK: Requests

    private func pump() {
        guard !tool.isFinished else { return }
        while !waiting.isEmpty, inFlight.count < Self.requestsInFlightMax {
            guard let connection else { return connect() }
            guard connection.isOpen else { return }
            let batch = PublishBatch(waiting, linesMax: linesMax)
            waiting = waiting.dropFirst(batch.lines.count)
            if inFlight.isEmpty { noteProgress() }
            inFlight.append(batch)
            connection.publish(batch.body, to: session, contentType: batch.contentType)
        }
        connection?.flush()
        guard waiting.isEmpty else { return }
        if !inputEnded {
            if connection?.isOpen ?? true { input?.read() }
        } else if inFlight.isEmpty {
            end(refusal)
        }
    }

    func connectionDidOpen(_ connection: ControlConnection) { pump() }

    func connection(_ connection: ControlConnection, didAnswer status: UInt16, body: [UInt8]) {
        guard let batch = inFlight.popFirst() else { return }
        noteProgress()
        if status == 200, totals.add(receipt: body, events: batch.lines.count) {
            if isVerbose { StandardStreams.writeLine(SafeText.escaped(String(decoding: body, as: UTF8.self))) }
        } else {
            refuse(batch, GatewayRefusal(status: status, body: body))
        }
        pump()
    }

    private func refuse(_ batch: PublishBatch, _ answer: GatewayRefusal) {
        let line = batch.line(at: answer.place).map { "line \($0)" } ?? batch.name
        var reason = "\(line) was refused: \(answer.text)"
        if batch.lines.count > 1 { reason += "; nothing of \(batch.name) was published" }
        if !inFlight.isEmpty { reason += "; \(inFlight.reduce(0) { $0 + $1.lines.count }) later events were already on their way" }
        waiting = []
        stopReading(reason)
    }

    func connection(_ connection: ControlConnection, didEnd ending: ControlConnection.Ending) {
        self.connection = nil
        switch ending {
        case .cannotConnect(let error): end(gateway.explain(error))
        case .cannotSeal(let failure): end(gateway.explain(failure) + fateOfLines)
        case .refused(let refusal): end("\(gateway) refused: \(refusal.text)")
        case .lost(let reason):
            // Between requests the gateway may close; the next event opens anew.
            inFlight.isEmpty ? pump() : end("\(gateway): \(reason)\(fateOfLines)")
        }
    }

    /// Of those that were sent and not answered.
    private var fateOfLines: String {
        guard let first = inFlight.first, let last = inFlight.last else { return "" }
        return "; whether lines \(first.lines.first?.number ?? 0) to \(last.lines.last?.number ?? 0) were published is unknown"
    }

    // MARK: Time and end

    private func noteProgress() { lastProgress = tool.loop.nowMilliseconds }

    private func checkTime() {
        let silent = tool.loop.nowMilliseconds - lastProgress
        if let connection, !connection.isOpen {
            if silent > Self.connectMilliseconds { end("\(gateway) does not answer") }
        } else if !inFlight.isEmpty {
            if silent > Self.answerMilliseconds {
                end(
                    "no answer for \(Self.answerMilliseconds / 1000) s; whether \(inFlight[inFlight.startIndex].name) was published is unknown"
                )
            }
        } else if silent > Self.idleMilliseconds {
            connection?.close()
            connection = nil
        }
    }

    private func end(_ reason: String?) {
        guard !tool.isFinished else { return }
        if let reason { FailedStart.tell(reason) }
        finish(reason == nil ? 0 : 1)
    }

    private func finish(_ code: Int32) {
        guard !tool.isFinished else { return }
        let seconds = Double(Clocks.monotonicNanoseconds - startedAt) / 1e9
        if totals.requests > 0 || code == 0 {
            SmallFile.writeToStandardError("\(totals.text); \(EventSummary.number((seconds * 1000).rounded() / 1000)) s\n")
        }
        input?.close()
        connection?.close()
        connection = nil
        timer?.close()
        timer = nil
        tool.finish(code)
    }
}
