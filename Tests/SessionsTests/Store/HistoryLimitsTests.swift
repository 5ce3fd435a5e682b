import Sessions
import Testing

@Suite("How much of a session is kept")
struct HistoryLimitsTests {
    @Test(arguments: [
        (nil, HistoryLimits()),
        ("", HistoryLimits()),
        ("[]", HistoryLimits()),
        ("{}", HistoryLimits()),
        (#"{"kind":"backtest","max_history_events":null}"#, HistoryLimits()),
        (
            #"{"max_history_events":0,"max_history_bytes":4096,"history_retention_ms":10}"#,
            HistoryLimits(eventsMax: 0, bytesMax: 4096, retention: .milliseconds(10))
        ),
        (#"{"history_retention_ms":10000000000}"#, HistoryLimits(retention: .seconds(10_000_000))),
        (#"{"max_history_events":-1,"max_history_bytes":4095,"history_retention_ms":9}"#, HistoryLimits()),
        (#"{"max_history_events":10000001,"max_history_bytes":1099511627777,"history_retention_ms":10000000001}"#, HistoryLimits()),
        (#"{"max_history_events":"5","max_history_bytes":5000.0,"history_retention_ms":1e3}"#, HistoryLimits()),
    ])
    func `a stored registration tells them, and what is no limit is none`(text: String?, expected: HistoryLimits) {
        #expect(HistoryLimits(registration: text.map { Array($0.utf8) }) == expected)
    }

    @Test(arguments: [
        (Duration.milliseconds(1), Int64(1)), (.microseconds(1999), 1), (.seconds(86_400), 86_400_000), (.zero, 0), (.milliseconds(-1), -1),
        (.seconds(Int64.max), .max), (.seconds(Int64.min), .min),
    ])
    func `a retention is whole milliseconds`(retention: Duration, milliseconds: Int64) {
        #expect(HistoryLimits(retention: retention)[.retention] == milliseconds)
    }

    @Test func `each is set and read by its name`() {
        var limits = HistoryLimits()
        for (value, name) in HistoryLimits.Name.allCases.enumerated() {
            #expect(limits[name] == nil)
            limits[name] = Int64(value) + 5
        }
        #expect(limits == HistoryLimits(eventsMax: 5, bytesMax: 6, retention: .milliseconds(7)))
        for name in HistoryLimits.Name.allCases { limits[name] = nil }
        #expect(limits == HistoryLimits())
    }
}
