import EventLoop
import Sessions
import Testing

@testable import WebSocketGateway

@Suite("The commands under way")
struct CommandTableTests {
    static let session = try! SessionID("s1")
    static let engine = EngineID.program(1)
    static let other = EngineID.program(2)
    static let address = SocketAddress(parsing: "127.0.0.1:1")!
    static let done = CommandAnswer(result: .acknowledged, members: Array(#""x":1"#.utf8))

    static func request(
        _ action: String = "stop", ref: String? = nil, subject: String? = nil, session: SessionID = session, payload: String = "{}"
    )
        -> CommandRequest
    {
        CommandRequest(
            session: session, worker: 0, connection: ConnectionRef(slot: 0, generation: 0),
            connectionID: ConnectionID("00000000-0000-4000-8000-000000000000")!, address: address, subject: subject, action: action,
            ref: ref,
            payload: Array(payload.utf8), askedAt: 0)
    }

    private var table = CommandTable(firstNumber: CommandID.numberMask)

    private mutating func send(_ request: CommandRequest, now: UInt64 = 0, timeout: UInt64 = 10_000) throws -> UInt64 {
        guard case .send(let number) = table.begin(request, engine: Self.engine, now: now, timeout: timeout) else {
            throw Unexpected()
        }
        return number
    }

    private struct Unexpected: Error {}

    private mutating func answer(_ request: CommandRequest, now: UInt64 = 0, engine: EngineID? = CommandTableTests.engine) -> CommandAnswer?
    {
        if case .answered(let answer) = table.begin(request, engine: engine, now: now, timeout: 10_000) { answer } else { nil }
    }

    @Test mutating func `a command is settled once, by the engine that has it`() throws {
        let number = try send(Self.request())
        #expect(number == CommandID.numberMask)
        #expect(try send(Self.request()) == 0, "numbers go round")
        #expect(table.settle(number, by: Self.other, Self.done) == nil)
        #expect(table.settle(7, by: Self.engine, Self.done) == nil)
        let settled = table.settle(number, by: Self.engine, Self.done)
        #expect(settled?.answer == Self.done)
        #expect(settled?.requests.count == 1)
        #expect(table.settle(number, by: Self.engine, Self.done) == nil)
        #expect(table.count == 1)
    }

    @Test mutating func `without an engine there is no command, and nothing is remembered`() throws {
        #expect(answer(Self.request(ref: "r"), engine: nil) == .noEngine)
        #expect(table.count == 0)
        _ = try send(Self.request(ref: "r"))
    }

    @Test mutating func `deadlines are met in their order, each in its own time`() throws {
        let slow = try send(Self.request(), now: 0, timeout: 30)
        let quick = try send(Self.request(), now: 5, timeout: 10)
        let answered = try send(Self.request(), now: 5, timeout: 10)
        #expect(table.nextDeadline() == 15)
        _ = table.settle(answered, by: Self.engine, Self.done)
        #expect(table.expire(now: 14).isEmpty)
        #expect(table.expire(now: 15).map(\.answer) == [.timeout])
        #expect(table.settle(quick, by: Self.engine, Self.done) == nil)
        #expect(table.nextDeadline() == 30)
        #expect(table.expire(now: 100).count == 1)
        #expect(table.settle(slow, by: Self.engine, Self.done) == nil)
        #expect(table.nextDeadline() == nil)
        #expect(table.count == 0)
    }

    @Test mutating func `a lost engine settles what it had, and nothing else`() throws {
        _ = try send(Self.request())
        _ = try send(Self.request("pause"))
        guard case .send(let others) = table.begin(Self.request(), engine: Self.other, now: 0, timeout: 10) else { throw Unexpected() }
        #expect(table.lose(Self.engine).map(\.answer) == [.engineLost, .engineLost])
        #expect(table.lose(Self.engine).isEmpty)
        #expect(table.settle(others, by: Self.other, Self.done) != nil)
    }

    @Test mutating func `the same ref waits for the first, and has its answer afterwards`() throws {
        let number = try send(Self.request(ref: "r"))
        guard case .waits = table.begin(Self.request(ref: "r"), engine: Self.engine, now: 5, timeout: 10_000) else { throw Unexpected() }
        guard case .waits = table.begin(Self.request(ref: "r"), engine: nil, now: 5, timeout: 10_000) else { throw Unexpected() }
        #expect(table.count == 3)
        #expect(table.settle(number, by: Self.engine, Self.done)?.requests.count == 3)
        #expect(table.count == 0)
        #expect(answer(Self.request(ref: "r"), now: 299_999, engine: nil) == Self.done)
        _ = try send(Self.request(ref: "r"), now: 300_000)
    }

    @Test mutating func `a ref is its subject's and its session's, and names one command`() throws {
        _ = try send(Self.request(ref: "r"))
        #expect(answer(Self.request("pause", ref: "r")) == .refReused)
        #expect(answer(Self.request(ref: "r", payload: #"{"close_position":true}"#)) == .refReused)
        _ = try send(Self.request("pause", ref: "r", subject: "ann"))
        _ = try send(Self.request("pause", ref: "r", subject: "bob"))
        _ = try send(Self.request("pause", ref: "r", session: SessionID("s2")))
        _ = try send(Self.request(ref: nil))
        _ = try send(Self.request(ref: nil))
    }

    @Test mutating func `two spellings of one letter are two subjects, and two refs`() throws {
        let (composed, decomposed) = ("Ren\u{E9}", "Rene\u{301}")
        #expect(composed == decomposed, "to String they are one")
        let first = try send(Self.request(ref: "r", subject: composed))
        let second = try send(Self.request(ref: "r", subject: decomposed))
        _ = table.settle(first, by: Self.engine, Self.done)
        #expect(answer(Self.request(ref: "r", subject: composed)) == Self.done)
        guard case .waits = table.begin(Self.request(ref: "r", subject: decomposed), engine: Self.engine, now: 0, timeout: 10_000) else {
            throw Unexpected()
        }
        #expect(table.settle(second, by: Self.engine, .engineLost)?.requests.count == 2)
        _ = try send(Self.request(ref: composed, subject: "ann"))
        _ = try send(Self.request(ref: decomposed, subject: "ann"))
    }

    @Test(arguments: [CommandAnswer.timeout, .engineLost, CommandAnswer(result: .commandFailed, message: "no")])
    mutating func `whatever the answer was, what an engine was given is not done twice`(_ first: CommandAnswer) throws {
        let number = try send(Self.request(ref: "r"))
        _ = table.settle(number, by: Self.engine, first)
        #expect(answer(Self.request(ref: "r")) == first)
    }

    @Test mutating func `what an engine never got may be tried again`() throws {
        let number = try send(Self.request(ref: "r"))
        #expect(table.settle(number, by: Self.engine, .engineBusy, isRemembered: false)?.answer == .engineBusy)
        _ = try send(Self.request(ref: "r"))
    }

    @Test mutating func `a session and a home have room for so many`() throws {
        table = CommandTable(firstNumber: 0, limits: CommandTable.Limits(sessionMax: 2, countMax: 3))
        let first = try send(Self.request(ref: "r"))
        _ = try send(Self.request())
        #expect(answer(Self.request()) == .tooMany)
        #expect(answer(Self.request(ref: "r")) == .tooMany, "who waits needs room too")
        let session = try SessionID("s2")
        _ = try send(Self.request(session: session))
        #expect(answer(Self.request(session: session)) == .tooMany)
        _ = table.settle(first, by: Self.engine, Self.done)
        _ = try send(Self.request())
    }

    @Test mutating func `of refs the oldest that are answered go, by number and by bytes`() throws {
        table = CommandTable(firstNumber: 0, limits: CommandTable.Limits(refsMax: 3, refBytesMax: 100))
        _ = try send(Self.request(ref: "open"))
        for n in 0..<5 { _ = table.settle(try send(Self.request(ref: "\(n)")), by: Self.engine, Self.done) }
        #expect(table.refCount == 3)
        #expect(answer(Self.request(ref: "4")) == Self.done)
        guard case .waits = table.begin(Self.request(ref: "open"), engine: nil, now: 0, timeout: 1) else { throw Unexpected() }
        let long = CommandAnswer(result: .acknowledged, members: [UInt8](repeating: 0, count: 101))
        _ = table.settle(try send(Self.request(ref: "long")), by: Self.engine, long)
        #expect(table.refCount == 1, "only the open one is left")
    }

    /// Thousands of random histories: every command that was ever begun has exactly one answer, no ref is given to an engine twice while it is
    /// remembered, and at the end nothing is left.
    @Test(arguments: 0..<20)
    func `whatever happens, each command has one answer`(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        for _ in 0..<50 {
            var table = CommandTable(
                firstNumber: 0, limits: CommandTable.Limits(sessionMax: 8, countMax: 20, refsMax: 40, refBytesMax: 1000, refLifetime: 200))
            var asked: [ObjectIdentifier: CommandRequest] = [:]
            var answers: [ObjectIdentifier: Int] = [:]
            var given: [UInt64: EngineID] = [:]
            var givenRefs: [String: UInt64] = [:]
            var now: UInt64 = 0
            let engines = (1...3).map { EngineID.program($0) }
            func note(_ settled: CommandTable.Settled) {
                for request in settled.requests { answers[ObjectIdentifier(request), default: 0] += 1 }
            }
            for _ in 0..<200 {
                now += UInt64.random(in: 0...5, using: &random)
                switch Int.random(in: 0..<10, using: &random) {
                case 0..<5:
                    let name = Int.random(in: 0..<6, using: &random)
                    let ref = Bool.random(using: &random) ? "\(name)" : nil
                    let request = Self.request(ref: ref, session: try SessionID("s\(name % 2)"))
                    asked[ObjectIdentifier(request)] = request
                    let engine = Int.random(in: 0..<5, using: &random) == 0 ? nil : engines.randomElement(using: &random)
                    switch table.begin(request, engine: engine, now: now, timeout: name == 0 ? 30 : 10) {
                    case .send(let number):
                        given[number] = engine
                        if let ref {
                            if let before = givenRefs[ref] { #expect(now >= before + 200, "seed \(seed): \(ref) was given twice") }
                            givenRefs[ref] = now
                        }
                    case .answered(let answer): note(CommandTable.Settled(requests: [request], answer: answer))
                    case .waits: break
                    }
                case 5..<7:
                    // In any order, late ones, and by engines that never had it.
                    guard let number = given.keys.sorted().randomElement(using: &random), let engine = engines.randomElement(using: &random)
                    else { break }
                    if let settled = table.settle(number, by: engine, Self.done) {
                        #expect(given[number] == engine)
                        note(settled)
                    }
                case 7: if let engine = engines.randomElement(using: &random) { table.lose(engine).forEach(note) }
                default: table.expire(now: now).forEach(note)
                }
            }
            now += 1000
            table.expire(now: now).forEach(note)
            #expect(table.count == 0, "seed \(seed)")
            #expect(table.nextDeadline() == nil)
            #expect(answers.count == asked.count, "seed \(seed)")
            #expect(answers.values.allSatisfy { $0 == 1 }, "seed \(seed)")
        }
    }
}
