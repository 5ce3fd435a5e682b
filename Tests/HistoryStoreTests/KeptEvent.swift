import HistoryStore
import Sessions

/// What an event says, wherever its bytes stand.
struct KeptEvent: Equatable {
    var sequence: UInt64
    var at: Int64 = 1_000
    var type = "candle"
    var timestamp: String?
    var key: String?
    var data = Array("{}".utf8)

    init(_ sequence: UInt64, at: Int64 = 1_000, type: String = "candle", timestamp: String? = nil, key: String? = nil, data: String = "{}")
    {
        (self.sequence, self.at, self.type, self.timestamp, self.key, self.data) = (sequence, at, type, timestamp, key, Array(data.utf8))
    }

    init(_ event: StoredEvent) {
        func text(_ range: Range<Int>) -> String { String(decoding: event.body[range], as: UTF8.self) }
        sequence = event.sequence
        at = event.publishedAt.microsecondsSince1970
        type = text(event.event.typeRange)
        timestamp = event.event.timestampRange.map(text)
        key = event.event.keyRange.map(text)
        data = Array(event.body[event.event.dataRange])
    }

    /// As an engine's body has it: something before, something after, in another order.
    var stored: StoredEvent {
        var body = Array(#"{"data":"#.utf8)
        func place(_ bytes: [UInt8]) -> Range<Int> {
            defer { body += Array(#"","x":""#.utf8) }
            body += bytes
            return body.count - bytes.count..<body.count
        }
        let dataRange = place(data)
        let keyRange = key.map { place(Array($0.utf8)) }
        let typeRange = place(Array(type.utf8))
        let timestampRange = timestamp.map { place(Array($0.utf8)) }
        return StoredEvent(
            sequence: sequence, publishedAt: Timestamp(microsecondsSince1970: at), body: body,
            event: PublishedEvent(
                typeRange: typeRange, metricIndex: EventType.metricIndex(of: Array(type.utf8).span), dataRange: dataRange,
                timestampRange: timestampRange, keyRange: keyRange))
    }
}

extension StoreChange {
    static func append(_ session: SessionID, _ sequences: ClosedRange<UInt64>, data: String = "{}") -> StoreChange {
        .append(session, sequences.map { KeptEvent($0, at: Int64($0) * 1_000, data: data).stored })
    }
}

extension SQLiteHistory {
    func kept(_ session: SessionID, after sequence: UInt64 = 0) throws(StoreError) -> [KeptEvent] {
        try read(session, after: sequence, eventsMax: .max, bytesMax: .max).map(KeptEvent.init)
    }

    func sequences(_ session: SessionID) throws(StoreError) -> [UInt64] { try kept(session).map(\.sequence) }
}

extension SQLiteHistory {
    /// Where no session has a retention of its own.
    func expire(eventsBefore events: Timestamp, keysBefore keys: Timestamp) throws(StoreError) -> [StoredRange] {
        try expire(now: events, eventsBefore: events, keysBefore: keys)
    }
}

extension StoreLimits {
    static let wide = StoreLimits(eventsMax: .max, bytesMax: .max)
}

let first = try! SessionID("bt-1")
let second = try! SessionID("fw.2~x")
let epoch = try! Epoch(parsing: "0123456789abc")
let nextEpoch = try! Epoch(parsing: "zyxwvutsrqpon")
