import Sessions

@testable import WebSocketGateway

/// What a simulation published to a session, from its beginning to its end: sequences 1 to ``count``.
final class SimulatedStream {
    struct Identity: Hashable {
        let type: String
        let key: String?
    }

    struct Published {
        let identity: Identity
        /// Its policy, when it was published.
        let isLatest: Bool

        func isWanted(by types: Set<String>?) -> Bool { types?.contains(identity.type) ?? true }
    }

    /// Events say in their data which stream they are of: epochs are the gateway's secret.
    let number: Int
    private(set) var events: [Published] = []
    /// What the engine said, beside the defaults.
    var policies: [EventType: DeliveryPolicy]

    init(number: Int, policies: [EventType: DeliveryPolicy]) {
        self.number = number
        self.policies = policies
    }

    var count: Int { events.count }

    subscript(sequence: Int) -> Published? { events.indices.contains(sequence - 1) ? events[sequence - 1] : nil }

    static let types: [(type: String, keys: [String?])] = [
        ("candle", [nil]), ("candle", ["a"]), ("ai_decision", [nil]), ("price_update", ["a", "b", "c", nil]), ("stats_update", [nil]),
        ("position_updated", ["a", "b", nil]), ("tick", ["a", nil]),
    ]

    /// Notes an event, and returns it as an engine would write it.
    func publish(_ type: String, key: String?, padding: Int) -> String {
        let isLatest =
            switch policies[EventType(rawValue: type)!] {
            case let policy?: policy == .latest
            case nil: ["price_update", "stats_update"].contains(type) || type == "position_updated" && key != nil
            }
        events.append(Published(identity: Identity(type: type, key: key), isLatest: isLatest))
        let keyMember = key.map { #""key":"\#($0)","# } ?? ""
        return #"{\#(keyMember)"type":"\#(type)","data":{"stream":\#(number),"p":"\#(String(repeating: "x", count: padding))"}}"#
    }
}
