import Glibc
import HTTP
import Sessions
import Testing
import WebSocket

/// A client of a simulation: takes as many bytes as it is told to, and holds every message to what came before.
final class SimulatedClient {
    enum Judged {
        case event
        case lost(Int)
        case conflated(Int)
        case heartbeat
        case sought
        case other
    }

    let session: Int
    let descriptor: Int32
    /// The types it wants; nil: all.
    let types: Set<String>?
    /// It gets everything at its own pace, and goes where it says.
    let replays: Bool
    var isFiltered: Bool { types != nil }
    private let resumesFrom: String?
    private var response = ResponseParser()
    private var isUpgraded = false
    private var reader: MessageReader
    private(set) var bytesReceived = 0
    private(set) var hasEnded = false
    private(set) var lastID: String?
    private(set) var lastIDOfConnected: String?
    /// The sequence it has everything up to; nil before the first.
    private(set) var position: Int?
    private var eventsReceived = 0
    /// What policy left out since the last event.
    private var leftOut: [(range: ClosedRange<Int>, types: Set<String>)] = []
    /// What policy left out, of what, and the newest event of each that came.
    private var allLeftOut: [(sequence: Int, identity: SimulatedStream.Identity)] = []
    private var newest: [SimulatedStream.Identity: Int] = [:]
    /// The end of what was lost last.
    private var lostUpTo = 0
    private var stream: SimulatedStream?

    init(session: Int, descriptor: Int32, types: Set<String>?, resumesFrom: String?, replays: Bool = false) {
        self.session = session
        self.descriptor = descriptor
        self.types = types
        self.replays = replays
        self.resumesFrom = resumesFrom
        var limits = WebSocketLimits()
        limits.messageBytesMax = 1 << 24
        reader = MessageReader(role: .client, limits: limits)
    }

    func send(_ bytes: [UInt8]) {
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT)) }
    }

    func ping() {
        if isUpgraded { send(FrameEncoder.maskedFrame(.text, Array(#"{"action":"ping"}"#.utf8), maskingKey: 7)) }
    }

    /// Asks to go on with an event that it has seen, or with an earlier one.
    func seek(to sequence: (Int) -> Int) {
        guard isUpgraded, let (epoch, last) = Self.parts(lastID) else { return }
        let command = #"{"action":"seek","id":"\#(epoch)-\#(sequence(last))"}"#
        send(FrameEncoder.maskedFrame(.text, Array(command.utf8), maskingKey: 7))
    }

    func receive(max: Int) throws -> [JSON] {
        var bytes = [UInt8](repeating: 0, count: max)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        if count == 0 { hasEnded = true }
        guard count > 0 else { return [] }
        bytesReceived += count
        bytes.removeLast(max - count)
        var position = 0
        if !isUpgraded {
            guard case .head(let head)? = try response.next(bytes.span, at: &position) else { return [] }
            try #require(head.status == 101)
            isUpgraded = true
        }
        var messages: [JSON] = []
        while position < bytes.count, let received = try reader.next(bytes.span, at: &position) {
            switch received {
            case .text(let text): messages.append(try JSON.parse(text.span))
            case .close: hasEnded = true
            default: break
            }
        }
        return messages
    }

    private func sequence(_ id: JSON?) throws -> Int { try Int(#require(Self.parts(id?.stringValue)?.sequence)) }

    private static func parts(_ id: String?) -> (epoch: String, sequence: Int)? {
        guard let id, let dash = id.lastIndex(of: "-"), let sequence = Int(id[id.index(after: dash)...]) else { return nil }
        return (String(id[..<dash]), sequence)
    }

    func judge(_ message: JSON, of streams: [SimulatedStream]) throws -> Judged {
        let (type, data) = (message["type"]?.stringValue, message["data"] ?? .null)
        switch type {
        case "connected":
            lastIDOfConnected = data["last_id"]?.stringValue
            // From where it goes on: what it has is what it said, if that was met.
            if let resumesFrom {
                let isRecovered = try #require(data["resume"]?["recovered"]?.boolValue as Bool?)
                if isRecovered { (lastID, position) = (resumesFrom, Self.parts(resumesFrom)?.sequence) }
            }
            return .other
        case "lost": return try judgeLost(data)
        case "conflated":
            try #require(!replays)
            return try judgeConflated(data)
        case "command_ack":
            position = try sequence(data["from"]) - 1
            return .sought
        case "heartbeat":
            try #require(data["delivered"]?.intValue == Int64(eventsReceived), "\(data.encoded), \(eventsReceived) came")
            if let last = Self.parts(data["last_id"]?.stringValue)?.sequence, !isFiltered, let position {
                let known = leftOut.last?.range.upperBound ?? position
                try #require(last == known, "\(data.encoded) behind \(known)")
            }
            return .heartbeat
        default:
            guard let id = message["id"]?.stringValue else { return .other }
            let number = try #require(data["stream"]?.intValue.map { Int($0) })
            try judgeEvent(id, type ?? "", streams[number])
            return .event
        }
    }

    private func judgeLost(_ data: JSON) throws -> Judged {
        let (first, last) = (try sequence(data["first_id"]), try sequence(data["last_id"]))
        try #require(first <= last && leftOut.isEmpty)
        if let position, !isFiltered { try #require(first == position + 1, "lost from \(first) behind \(position)") }
        if let position { try #require(first > position) }
        if isFiltered, let position, let stream { try requireNothingWanted(position + 1..<first, stream) }
        position = last
        lostUpTo = last
        return .lost(last - first + 1)
    }

    /// What it says is judged when the next event tells which stream it is.
    private func judgeConflated(_ data: JSON) throws -> Judged {
        let types = Set(try #require(data["types"]?.arrayValue).compactMap(\.stringValue))
        let ranges = try #require(data["ranges"]?.arrayValue)
        try #require(!ranges.isEmpty && !types.isEmpty)
        var count = 0
        for range in ranges {
            let (first, last) = (try sequence(range.arrayValue?.first), try sequence(range.arrayValue?.last))
            let before = leftOut.last?.range.upperBound ?? position ?? 0
            try #require(first > before && last >= first, "\(data.encoded) behind \(before)")
            leftOut.append((first...last, types))
            count += last - first + 1
        }
        return .conflated(count)
    }

    private func judgeEvent(_ id: String, _ type: String, _ stream: SimulatedStream) throws {
        let parts = try #require(Self.parts(id))
        if let lastID { try #require(Self.parts(lastID)?.epoch == parts.epoch, "\(id) behind \(lastID)") }
        let event = try #require(stream[parts.sequence])
        try #require(event.identity.type == type && event.isWanted(by: types))
        try #require(self.stream == nil || self.stream === stream)
        self.stream = stream
        // Between what it had and this one: delivered never, so all of it was announced, or not wanted.
        var next = position.map { $0 + 1 }
        for (range, types) in leftOut {
            if let from = next { try requireNothingWanted(from..<range.lowerBound, stream) }
            // What was there when it joined comes from the history to who joins, and that is given whole.
            if let joined = Self.parts(lastIDOfConnected)?.sequence {
                try #require(range.lowerBound > joined, "\(range), joined at \(joined)")
            }
            for sequence in range {
                let gone = try #require(stream[sequence])
                try #require(gone.isLatest && gone.isWanted(by: self.types) && types.contains(gone.identity.type), "\(sequence): \(gone)")
                allLeftOut.append((sequence, gone.identity))
            }
            next = range.upperBound + 1
        }
        leftOut = []
        if let next {
            try #require(parts.sequence >= next, "\(id) behind \(next - 1)")
            try requireNothingWanted(next..<parts.sequence, stream)
        }
        (lastID, position) = (id, parts.sequence)
        newest[event.identity] = parts.sequence
        eventsReceived += 1
    }

    private func requireNothingWanted(_ range: Range<Int>, _ stream: SimulatedStream) throws {
        for sequence in range {
            let missing = try #require(stream[sequence])
            try #require(!missing.isWanted(by: types), "\(sequence) is missing: \(missing)")
        }
    }

    /// Nothing more comes: what was left out was left out for something newer, which came, or was lost when it was left to the history.
    func judgeEnd(_ head: SimulatedStream) throws {
        try #require(leftOut.isEmpty)
        for (sequence, identity) in allLeftOut {
            try #require(max(newest[identity] ?? 0, lostUpTo) > sequence, "\(identity) was left out at \(sequence), and nothing newer came")
        }
        if isFiltered, let position, stream === head, position < head.count {
            try requireNothingWanted(position + 1..<head.count + 1, head)
        }
    }
}
