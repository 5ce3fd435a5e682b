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
        case other
    }

    let session: Int
    let descriptor: Int32
    let isFiltered: Bool
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

    init(session: Int, descriptor: Int32, isFiltered: Bool, resumesFrom: String?) {
        self.session = session
        self.descriptor = descriptor
        self.isFiltered = isFiltered
        self.resumesFrom = resumesFrom
        var limits = WebSocketLimits()
        limits.messageBytesMax = 1 << 24
        reader = MessageReader(role: .client, limits: limits)
    }

    func send(_ bytes: [UInt8]) {
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT)) }
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

    func judge(_ message: JSON) throws -> Judged {
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
        case "lost":
            let (first, last) = (try sequence(data["first_id"]), try sequence(data["last_id"]))
            try #require(first <= last)
            if let position, !isFiltered { try #require(first == position + 1, "lost from \(first) behind \(position)") }
            if let position { try #require(first > position) }
            position = last
            return .lost(last - first + 1)
        default:
            guard let id = message["id"]?.stringValue else { return .other }
            let parts = try #require(Self.parts(id))
            if let lastID { try #require(Self.parts(lastID)?.epoch == parts.epoch, "\(id) behind \(lastID)") }
            if let position {
                try #require(isFiltered ? parts.sequence > position : parts.sequence == position + 1, "\(id) behind \(position)")
            }
            (lastID, position) = (id, parts.sequence)
            return .event
        }
    }
}
