import Sessions
import Testing
import WebSocketGateway

@testable import websocket_gateway

@Suite struct ConnectionAccountTests {
    private static let at = #""at":"2026-03-15T10:31:02.123456Z","last_at":"2026-03-15T10:45:10.200000Z""#

    /// A moment, what is said of it once, and of 57.
    private static let moments: [(String, once: String, often: String)] = [
        (
            #""moment":"lagged","queued_bytes":4096"#, "your socket did not take everything: 4.0 KiB began to wait for you",
            "your socket did not take everything: up to 4.0 KiB began to wait for you"
        ),
        (
            #""moment":"fell_behind","after_id":"16ja9qn78j68j-812","queued_bytes":1048576"#,
            "your queue was full at 1.0 MiB (after …-812); what follows came from the history",
            "your queue was full at up to 1.0 MiB (last after …-812); what follows came from the history"
        ),
        (
            #""moment":"fell_behind","after_id":null,"queued_bytes":812"#,
            "your queue was full at 812 B (before the first event); what follows came from the history",
            "your queue was full at up to 812 B (before the first event); what follows came from the history"
        ),
        (
            #""moment":"caught_up","duration_ms":2800,"events":1204"#, "caught up: 1,204 events in 2.8 s",
            "caught up: 1,204 events in 2.8 s at the longest"
        ),
        (#""moment":"caught_up","duration_ms":12,"events":1"#, "caught up: 1 event in 12 ms", "caught up: 1 event in 12 ms at the longest"),
        (
            #""moment":"conflated","events":19,"types":["stats_update","price_update"]"#,
            "left out by policy, because newer ones followed: 19 events (stats_update, price_update)",
            "left out by policy, because newer ones followed: 19 events (stats_update, price_update)"
        ),
        (
            #""moment":"lost","first_id":"16ja9qn78j68j-5","last_id":"16ja9qn78j68j-7","events":3"#,
            "lost to you, because they are kept no more: 3 events (…-5 to …-7)",
            "lost to you, because they are kept no more: 3 events (last …-5 to …-7)"
        ),
        (#""moment":"rate_limited""#, "your messages came too fast: 1 not looked at", "your messages came too fast: 57 not looked at"),
        (#""moment":"slow_ping","rtt_ms":1234.5"#, "a ping took 1.2 s to come back", "a ping took up to 1.2 s to come back"),
    ]

    @Test(arguments: moments) func `a moment is said in plain words`(moment: String, once: String, often: String) throws {
        let single = try JSON.parse("{\(moment),\(Self.at),\"count\":1}".utf8.span)
        #expect(ConnectionAccount.line(single) == "10:31:02.123 \(once)")
        let repeated = try JSON.parse("{\(moment),\(Self.at),\"count\":57}".utf8.span)
        #expect(ConnectionAccount.line(repeated) == "10:31:02.123 to 10:45:10.200, 57 times: \(often)")
    }

    @Test func `a later version's moment is shown as it is`() throws {
        let moment = try JSON.parse(#"{"moment":"napped","at":"x","count":1,"for_ms":5}"#.utf8.span)
        #expect(ConnectionAccount.line(moment) == "--:--:--.--- moment napped  at x  count 1  for_ms 5")
    }

    /// Who can name a connection's events or types is not the one who reads them.
    @Test func `nothing reaches the terminal that it would obey`() throws {
        let bad = #"\u001b[2J\n\u202e"#
        let moments = [
            #"{"moment":"fell_behind","at":"\#(bad)","after_id":"\#(bad)","queued_bytes":"\#(bad)"}"#,
            #"{"moment":"lost","first_id":"\#(bad)","last_id":"\#(bad)"}"#, #"{"moment":"conflated","types":["\#(bad)"]}"#,
            #"{"moment":"\#(bad)","\#(bad)":"\#(bad)"}"#, #"{"moment":"caught_up","duration_ms":-1e300}"#, "{}", "[]", "null",
        ]
        let closure = #"{"by":"\#(bad)","reason":"\#(bad)","violation":"\#(bad)","closed_at":"\#(bad)","last_id":"\#(bad)"}"#
        let lines =
            try moments.map { ConnectionAccount.line(try JSON.parse($0.utf8.span)) } + [
                ConnectionAccount.closing(try JSON.parse(closure.utf8.span))
            ]
        for line in lines { #expect(!line.unicodeScalars.contains(where: SafeText.isUnsafe), "\(line)") }
    }

    @Test(arguments: [
        (
            #"{"by":"gateway","reason":"slow_no_progress","close_code":4408,"delivered":812,"last_id":"16ja9qn78j68j-812","queued_bytes":1048576}"#,
            "closed by the gateway with 4408: too slow: the socket took nothing for the write time-out; delivered 812 events up to …-812, of which 1.0 MiB still waited"
        ),
        (
            #"{"by":"gateway","reason":"protocol_violation","violation":"invalid_utf8","close_code":1007,"delivered":0,"last_id":null,"queued_bytes":0}"#,
            "closed by the gateway with 1007: the client broke a rule of the protocol (invalid_utf8); delivered 0 events"
        ),
        (
            #"{"by":"client","reason":"client_left","violation":null,"close_code":1001,"delivered":1,"last_id":"16ja9qn78j68j-1"}"#,
            "closed by the client with 1001: the client left; delivered 1 event up to …-1"
        ),
        (
            #"{"by":"network","reason":"reset","close_code":1006,"delivered":1204}"#,
            "ended with 1006: the TCP connection was reset, by the client's machine or by something between; delivered 1,204 events"
        ),
        (#"{"by":"moon","reason":"bored","close_code":4999}"#, "closed by the moon with 4999: bored; delivered 0 events"),
    ]) func `an end is said in plain words`(closure: String, text: String) throws {
        let json = try JSON.parse(closure.utf8.span)
        #expect(ConnectionAccount.closing(json) == "--:--:--.--- \(text)")
    }

    @Test func `every reason that a gateway gives has its words`() {
        #expect(Set(ConnectionAccount.reasons.keys) == Set(ConnectionClosure.Reason.allCases.map(\.rawValue)))
    }

    // MARK: News

    private func open(_ moments: [(String, Int)], _ more: String = "") -> [UInt8] {
        let story = moments.map { #"{"moment":"lagged","at":"\#($0.0)","last_at":"","count":\#($0.1),"queued_bytes":1}"# }
        return Array(#"{"story":[\#(story.joined(separator: ","))],"story_dropped":0,"queued_bytes":0,"lag":0\#(more)}"#.utf8)
    }

    @Test func `each moment is told once, and at the end what has come again`() {
        var account = ConnectionAccount()
        #expect(account.news(status: 200, body: open([("a", 1)]), isLast: false).count == 1)
        #expect(account.news(status: 200, body: open([("a", 1)]), isLast: false).isEmpty)
        #expect(account.news(status: 200, body: open([("a", 9), ("b", 1)]), isLast: false).count == 1)
        let last = account.news(status: 200, body: open([("a", 9), ("b", 1)]), isLast: true)
        #expect(last.count == 1 && last[0].contains("9 times"))
    }

    @Test func `the end of a healthy connection is one line`() {
        var account = ConnectionAccount()
        #expect(account.news(status: 200, body: open([]), isLast: false).isEmpty)
        #expect(account.news(status: 200, body: open([]), isLast: true) == ["nothing noteworthy has happened to this connection"])
    }

    @Test func `what still waits is said`() {
        var account = ConnectionAccount()
        let body = Array(#"{"story":[],"story_dropped":1200,"queued_bytes":2048,"lag":3}"#.utf8)
        #expect(
            account.news(status: 200, body: body, isLast: true) == [
                "earlier moments that are told no more: 1,200", "nothing noteworthy has happened to this connection",
                "2.0 KiB wait for your socket, and you are 3 events behind",
            ])
    }

    @Test func `a closure ends the account, and where there is none that is said`() {
        var account = ConnectionAccount()
        let closure =
            #"{"error":{"code":"CONNECTION_NOT_FOUND","message":"m","details":{"closure":{"by":"client","reason":"client_left","close_code":1000,"story":[]}}}}"#
        #expect(account.news(status: 404, body: Array(closure.utf8), isLast: false).isEmpty)
        #expect(
            account.news(status: 404, body: Array(closure.utf8), isLast: true) == [
                "--:--:--.--- closed by the client with 1000: the client left; delivered 0 events"
            ])
        let unknown = Array(#"{"error":{"code":"CONNECTION_NOT_FOUND","message":"m","details":{}}}"#.utf8)
        #expect(account.news(status: 404, body: unknown, isLast: true) == ["the gateway knows nothing of this connection any more"])
        let refusal = Array(#"{"error":{"code":"HOST_NOT_ALLOWED","message":"m"}}"#.utf8)
        #expect(account.news(status: 403, body: refusal, isLast: true) == ["the gateway does not say: 403 HOST_NOT_ALLOWED: m"])
        #expect(account.news(status: 200, body: Array("no JSON".utf8), isLast: true).count == 1)
    }

    @Test(
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_048_576, "1.0 MiB"), (1_572_864, "1.5 MiB"), (3_221_225_472, "3.0 GiB"),
        ] as [(Int64, String)]) func `bytes have a unit`(count: Int64, text: String)
    {
        #expect(ConnectionAccount.bytes(.int(count)) == text)
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1204, "1,204"), (1_234_567, "1,234,567"), (-1204, "-1,204")] as [(Int64, String)])
    func `thousands are grouped`(number: Int64, text: String) {
        #expect(ConnectionAccount.grouped(number) == text)
    }
}
