import Testing

@testable import websocket_gateway

@Suite struct PublishBatchTests {
    private func lines(_ texts: [String], from number: Int = 1) -> ArraySlice<NumberedLine> {
        texts.enumerated().map { NumberedLine(number: number + $0.offset, bytes: Array($0.element.utf8)) }[...]
    }

    @Test func `one line is an event, several are NDJSON`() {
        let waiting = lines(["{}", "[]", "1"])
        let one = PublishBatch(waiting, linesMax: 1)
        #expect(one.contentType.description == "application/json")
        #expect(one.body == Array("{}".utf8))
        let two = PublishBatch(waiting, linesMax: 2)
        #expect(two.contentType.description == "application/x-ndjson")
        #expect(two.body == Array("{}\n[]".utf8))
        #expect(two.name == "lines 1 to 2")
    }

    @Test func `a batch ends before it is too large, one line is never cut`() {
        let large = String(repeating: "x", count: PublishBatch.bytesMax)
        #expect(PublishBatch(lines(["a", large, "b"]), linesMax: 100).lines.count == 1)
        #expect(PublishBatch(lines([large, "b"]), linesMax: 100).lines.count == 1)
    }

    @Test func `the gateway's line is found in the input`() {
        let batch = PublishBatch([NumberedLine(number: 5, bytes: []), NumberedLine(number: 8, bytes: [])][...], linesMax: 2)
        #expect(batch.line(at: "line 2: data.price") == 8)
        for place in [nil, "", "line 3", "line x", "data"] as [String?] { #expect(batch.line(at: place) == nil) }
        #expect(PublishBatch(batch.lines, linesMax: 1).line(at: "data.price") == 5)
    }

    @Test(arguments: [#"{"type":"a","data":{}}"#, #" {"type":"a","data":{"x":1.10},"timestamp":"t","key":"k"} "#])
    func `a good line has no fault`(_ text: String) {
        #expect(LineCheck.fault(in: NumberedLine(number: 1, bytes: Array(text.utf8))) == nil)
    }

    @Test(arguments: [
        #"{"type":"a"}"#, #"{"type":"A","data":{}}"#, #"[{"type":"a","data":{}}]"#, "1", #"{"type":"a","data":{"x":NaN}}"#,
        #"{"type":"lost","data":{}}"#,
    ])
    func `a bad line is found before it is sent`(_ text: String) {
        #expect(LineCheck.fault(in: NumberedLine(number: 1, bytes: Array(text.utf8))) != nil)
    }

    @Test func `receipts add up`() {
        var totals = PublishTotals()
        let isReceipt = [
            totals.add(
                receipt: Array(#"{"id":"x-1","sequence":1,"connections":3,"sent":2,"queued":1,"conflated":0,"dropped":0}"#.utf8), events: 1),
            totals.add(
                receipt: Array(
                    #"{"first_id":"x-2","last_id":"x-3","count":2,"connections":6,"sent":4,"queued":1,"conflated":0,"dropped":1}"#.utf8),
                events: 2),
            totals.add(receipt: Array("{}".utf8), events: 1),
        ]
        #expect(isReceipt == [true, true, false])
        #expect(totals == PublishTotals(events: 3, requests: 2, connections: 9, sent: 6, queued: 2, conflated: 0, dropped: 1))
    }
}
