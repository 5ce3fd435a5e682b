import Sessions
import Testing

@testable import WebSocketGateway

@Suite struct PublishAnswerTests {
    @Test(arguments: [
        (false, false, #"{"id":"0123456789abc-7","sequence":7,"connections":4,"sent":3,"queued":1,"conflated":0,"dropped":0}"#),
        (false, true, #"{"id":"0123456789abc-7","sequence":7}"#),
        (
            true, false,
            #"{"first_id":"0123456789abc-7","last_id":"0123456789abc-9","count":3,"connections":4,"sent":3,"queued":1,"conflated":0,"dropped":0}"#
        ),
        (true, true, #"{"first_id":"0123456789abc-7","last_id":"0123456789abc-9","count":3}"#),
    ])
    func `a receipt is written as the contract says`(isBatch: Bool, isEarly: Bool, expected: String) throws {
        let epoch = try Epoch(parsing: "0123456789abc")
        let receipt = PublishReceipt(
            firstID: EventID(epoch: epoch, sequence: 7), lastID: EventID(epoch: epoch, sequence: 9), count: 3, connections: 4, sent: 3,
            queued: 1,
            conflated: 0, dropped: 0)
        for keepAlive in [true, false] {
            var answer: [UInt8] = []
            PublishAnswer(receipt: receipt, isBatch: isBatch, isEarly: isEarly).append(
                to: &answer, keepAlive: keepAlive, date: Array("Date: now\r\n".utf8))
            #expect(
                String(decoding: answer, as: UTF8.self)
                    == "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Type: application/json\r\n\(keepAlive ? "" : "Connection: close\r\n")"
                    + "Content-Length: \(expected.utf8.count)\r\n\r\n\(expected)")
        }
    }

    /// Three numbers that are 0 are written as one piece, and only then.
    @Test(arguments: [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (12, 345, 6789), (.max, .max, .max)])
    func `each number stands in its place`(queued: Int, conflated: Int, dropped: Int) throws {
        let id = EventID(epoch: try Epoch(parsing: "0123456789abc"), sequence: 42)
        let receipt = PublishReceipt(
            firstID: id, lastID: id, count: 1, connections: 1000, sent: 99, queued: queued, conflated: conflated, dropped: dropped)
        let answer = PublishAnswer(receipt: receipt, isBatch: false, isEarly: false).encodedForLink(ref: nil)
        let expected =
            #"{"op":"published","id":"0123456789abc-42","sequence":42,"connections":1000,"sent":99,"queued":\#(queued),"conflated":\#(conflated),"dropped":\#(dropped)}"#
        #expect(String(decoding: answer.dropFirst(expected.utf8.count > 125 ? 4 : 2), as: UTF8.self) == expected)
    }

    @Test func `the longest answer is no longer than was reckoned`() throws {
        let id = EventID(epoch: try Epoch(parsing: String(repeating: "z", count: 26)), sequence: UInt64(Int64.max))
        let receipt = PublishReceipt(
            firstID: id, lastID: id, count: .max, connections: .max, sent: .max, queued: .max, conflated: .max, dropped: .max)
        var answer: [UInt8] = []
        PublishAnswer(receipt: receipt, isBatch: true, isEarly: false).append(to: &answer, keepAlive: false, date: [])
        #expect(answer.count == PublishAnswer.bytesMax)
    }
}
