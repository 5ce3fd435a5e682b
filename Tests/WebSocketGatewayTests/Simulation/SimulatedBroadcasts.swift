import EventLoop
import Sessions
import Testing

@testable import WebSocketGateway

/// An engine that broadcasts with keys, and repeats: what was not answered, what was refused, and now and then what was done.
///
/// It holds the gateway to this: the event is in no session twice.
struct SimulatedBroadcasts {
    /// The numbers of their events.
    private var sent: [Int] = []
    private var answers = Locked<[BroadcastReceipt]>([])
    private(set) var repeats = 0

    mutating func send(on board: Switchboard, number: Int, using generator: inout SeededGenerator) {
        var number = number
        if let last = sent.indices.last, Int.random(in: 0...2, using: &generator) > 0 {
            // One of the latest, as an engine would: within the key's time.
            number = sent[Int.random(in: max(0, last - 3)...last, using: &generator)]
            repeats += 1
        } else {
            sent.append(number)
        }
        let body = Array(#"{"type":"candle","data":{"n":\#(number),"all":true}}"#.utf8)
        guard let parsed = try? EventParser.parse(body.span, format: .json, limits: EventLimits()) else {
            preconditionFailure("a sound event")
        }
        let request = PublishRequest(
            session: nil, body: body, events: parsed.events, receivedAt: Clocks.monotonicNanoseconds, reply: .nobody,
            key: PublishKey(ofBroadcast: "\(number)", body: body))
        let answers = answers
        Broadcast.start(request, on: board) { receipt in answers.withLock { $0.append(receipt) } }
    }

    /// Returns how many were refused.
    mutating func hear() -> Int {
        answers.withLock { answers in
            defer { answers = [] }
            return answers.count { $0.refusal != nil }
        }
    }

    /// Nobody hears what the gateway before may still answer.
    mutating func restarted() { answers = Locked([]) }

    func judge(_ disk: SimulatedStore.Disk) throws {
        for (id, session) in disk.sessions {
            var seen: Set<String> = []
            for event in session.events {
                let data = String(decoding: event.body[event.event.dataRange], as: UTF8.self)
                guard data.hasSuffix(",\"all\":true}") else { continue }
                try #require(seen.insert(data).inserted, "\(data) is twice in \(id)")
            }
        }
    }
}
