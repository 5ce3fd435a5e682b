import Sessions
import Testing
import WebSocket

@testable import websocket_gateway

@Suite struct LoadJudgeTests {
    private static let event = LoadEvent(payload: .candles, dataBytes: 1000)
    private static let epoch = "0123456789abc"

    private let judge: LoadJudge
    private let deflater: Deflater
    private let session: LoadSession

    init() throws {
        judge = try #require(LoadJudge(Self.event, messagesKept: 4))
        deflater = try #require(Deflater(.window12))
        session = try Self.session(0)
    }

    private static func session(_ index: Int) throws -> LoadSession {
        let session = LoadSession(index: index, id: try SessionID("load-\(index + 1)"))
        session.base = 100
        return session
    }

    /// What a client gets of the event with this sequence.
    private func message(_ sequence: UInt64, id: UInt64? = nil, epoch: String = epoch) -> [UInt8] {
        let body = String(decoding: Self.event.body(sequence: sequence, sentAt: 5000), as: UTF8.self)
        let end = #","timestamp":"2026-03-15T10:30:00.123456Z"}"#
        return Array((#"{"id":"\#(epoch)-\#(id ?? 100 + sequence)","# + body.dropFirst().dropLast() + end).utf8)
    }

    private func compressed(_ message: [UInt8]) throws -> [UInt8] {
        let compressed = deflater.deflate(message.span)
        return try #require(compressed)
    }

    private func judge(
        _ payload: [UInt8], isCompressed: Bool = false, of session: LoadSession? = nil, next: UInt64 = 101
    ) throws -> LoadJudge.Verdict {
        try judge.judge(payload.span, isCompressed: isCompressed, of: session ?? self.session, next: next)
    }

    private func found(_ sequence: UInt64) -> LoadJudge.Verdict {
        .event(LoadJudge.Found(id: 100 + sequence, sentAt: 5000, messageBytes: message(sequence).count))
    }

    private func isWrong(_ verdict: LoadJudge.Verdict, _ reason: String) -> Bool {
        guard case .wrong(let text) = verdict else { return false }
        return text.contains(reason)
    }

    @Test(arguments: [false, true])
    func `every event is found to be what it is, the first time and again`(isCompressed: Bool) throws {
        for _ in 0..<3 {
            for sequence in 1...9 as ClosedRange<UInt64> {
                let message = message(sequence)
                let payload = isCompressed ? try compressed(message) : message
                for _ in 0..<2 {
                    let verdict = try judge(payload, isCompressed: isCompressed, next: 100 + sequence)
                    #expect(verdict == found(sequence))
                }
            }
        }
    }

    @Test func `an expectation that is wrong every time changes nothing`() throws {
        for sequence in [1, 2, 1, 1, 3, 2] as [UInt64] {
            let plain = try judge(message(sequence), next: .max)
            let inflated = try judge(try compressed(message(sequence)), isCompressed: true, next: .max)
            #expect(plain == found(sequence) && inflated == found(sequence))
        }
    }

    @Test func `one byte of difference from the message judged before is seen`() throws {
        let whole = message(1)
        let unseen = try whole.indices.filter { index in
            _ = try judge(whole)
            var other = whole
            other[index] ^= 0x10
            return try judge(other) == found(1)
        }
        // Bit 4 makes no digit of another: not even in the time, which is the gateway's own.
        #expect(unseen == [])
    }

    /// Nearly every such payload is another message or none. (A few bits of a DEFLATE block mean nothing.)
    @Test func `one byte of difference from the payload inflated before is enough to be inflated anew`() throws {
        let whole = try compressed(message(1))
        var same = 0
        for index in whole.indices {
            _ = try judge(whole, isCompressed: true)
            var other = whole
            other[index] ^= 0x10
            let verdict = try? judge(other, isCompressed: true)
            let inflater = try #require(Inflater())
            let message = try? inflater.inflate(other.span, max: ServerFrameScanner.frameBytesMax)
            if verdict == found(1) {
                same += 1
                // The time's digits are the gateway's own: any may be.
                #expect(message?.dropLast(29) == self.message(1).dropLast(29), "byte \(index)")
            }
        }
        #expect(same < 8)
    }

    @Test func `the same bytes are not the same event to another session, nor where they were not compressed`() throws {
        _ = try judge(message(1))
        // Four places and 4 * 31 more: the memory's place is the same.
        let other = try Self.session(4)
        other.base = 50
        #expect(isWrong(try judge(message(1), of: other), "id 101 carries event 1"))
        let payload = try compressed(message(1))
        _ = try judge(payload, isCompressed: true)
        #expect(try judge(payload) == .own(payload))
    }

    @Test func `what is not as it was published is told, each time`() throws {
        for _ in 0..<2 {
            #expect(isWrong(try judge(message(1, id: 102)), "id 102 carries event 1"))
            var altered = message(2)
            altered[altered.count - 60] ^= 1
            #expect(isWrong(try judge(altered), "event 2 did not arrive as it was published"))
            #expect(isWrong(try judge(Array(#"{"id":"\#(Self.epoch)-101","type":"candle","data":{}}"#.utf8)), "not published by us"))
        }
        #expect(try judge(message(1)) == found(1))
        #expect(isWrong(try judge(message(2, epoch: "other56789abc")), "an event of another epoch, 102"))
    }

    @Test func `what the gateway says to one connection alone is handed on, inflated`() throws {
        let own = Array(#"{"type":"heartbeat","data":{"last_id":null,"delivered":0},"timestamp":"2026-03-15T10:30:00.123456Z"}"#.utf8)
        #expect(try judge(own) == .own(own))
        #expect(try judge(try compressed(own), isCompressed: true) == .own(own))
    }

    private func fault(_ payload: [UInt8]) -> ProtocolViolation? {
        do throws(ProtocolViolation) {
            _ = try judge.open(payload.span)
            return nil
        } catch {
            return error
        }
    }

    @Test func `what is no DEFLATE data, no text, or inflates beyond any event is refused`() throws {
        #expect(fault([0xFF, 0xFF]) == .invalidDeflate)
        #expect(fault(try compressed(Array(repeating: 0xE9, count: 100))) == .invalidUTF8)
        let longest = ServerFrameScanner.frameBytesMax
        #expect(fault(try compressed(Array(repeating: 0x20, count: longest))) == nil)
        #expect(fault(try compressed(Array(repeating: 0x20, count: longest + 1))) == .messageTooBig)
    }
}
