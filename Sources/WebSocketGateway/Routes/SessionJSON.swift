internal import HTTP
internal import Sessions

extension SessionRegistration {
    /// The body of `PUT /v1/sessions/{id}`, which changes what it names: null takes a setting back, what is absent stays. Keys that later
    /// versions know are refused, not ignored: nobody should believe a policy is in force.
    static func parse(_ object: JSONObject, changing base: SessionRegistration = SessionRegistration()) throws(EngineRoutes.Refusal)
        -> SessionRegistration
    {
        var registration = base
        for (key, value) in object.members {
            let isNull = value == .null
            switch key {
            case "kind":
                let kind = value.stringValue.flatMap(SessionKind.init(rawValue:))
                guard isNull || kind != nil else { throw invalid("kind is \"backtest\" or \"forward\"") }
                registration.kind = kind
            case "owner":
                guard isNull || (1...256).contains(value.stringValue?.utf8.count ?? 0) else {
                    throw invalid("owner is a string of 1 to 256 bytes")
                }
                registration.owner = value.stringValue
            case "max_connections":
                guard isNull || (1...10_000_000).contains(value.intValue ?? 0) else {
                    throw invalid("max_connections is a whole number from 1 to 10000000")
                }
                registration.connectionsMax = value.intValue.map { Int($0) }
            case "join":
                let join = (value.stringValue ?? value.intValue.map(String.init)).flatMap { JoinMode.parse($0) }
                guard isNull || join != nil else { throw invalid("join is \"live\", \"all\", or a number of latest events") }
                registration.join = join
            case "policies": registration.policies = isNull ? [:] : try policies(value)
            case let key where HistoryLimits.Name(rawValue: key) != nil:
                guard let name = HistoryLimits.Name(rawValue: key) else { continue }
                let limit = value.intValue
                guard isNull || limit.map(name.range.contains) == true else {
                    throw invalid("\(key) is a whole number from \(name.range.lowerBound) to \(name.range.upperBound)", place: key)
                }
                registration.history[name] = limit
            default:
                let names = ["kind", "owner", "max_connections", "join", "policies"] + HistoryLimits.Name.allCases.map(\.rawValue)
                throw invalid(
                    "a session has \(names.joined(separator: ", ")), and not what is at position \(position(of: key, in: object))")
            }
        }
        return registration
    }

    /// An engine may ask for less history than the operator allows, not for more.
    func check(against plan: Plan) throws(EngineRoutes.Refusal) {
        do throws(SettingsError) { try plan.check(history) } catch {
            throw Self.invalid("\(error)", place: error.setting)
        }
    }

    /// All of a session's policies: those it had before go.
    private static func policies(_ value: JSON) throws(EngineRoutes.Refusal) -> [EventType: DeliveryPolicy] {
        guard let object = value.objectValue, object.count <= DeliveryPolicies.typesMax else {
            throw invalid("policies is an object of at most \(DeliveryPolicies.typesMax) event types", place: "policies")
        }
        var policies: [EventType: DeliveryPolicy] = [:]
        for (index, (name, value)) in object.members.enumerated() {
            guard let type = EventType(rawValue: name) else {
                throw invalid("a name in policies is an event type that can be published", place: "policies, position \(index + 1)")
            }
            guard let policy = value.stringValue.flatMap(DeliveryPolicy.init(rawValue:)) else {
                throw invalid("a policy is \"deliver\" or \"latest\"", place: "policies.\(type)")
            }
            guard policies.updateValue(policy, forKey: type) == nil else {
                throw invalid("a type has one policy", place: "policies.\(type)")
            }
        }
        return policies
    }

    var policiesJSON: JSONObject { JSONObject(policies.map { ($0.rawValue, .string($1.rawValue)) }.sorted { $0.0 < $1.0 }) }

    /// As it is kept with the history.
    var stored: [UInt8] {
        var object: JSONObject = [
            "kind": kind.map { .string($0.rawValue) } ?? .null, "owner": owner.map { .string($0) } ?? .null,
            "max_connections": connectionsMax.map { .int(Int64($0)) } ?? .null, "join": join.map(SessionInfo.json) ?? .null,
            "policies": .object(policiesJSON),
        ]
        for name in HistoryLimits.Name.allCases { object[name.rawValue] = history[name].map(JSON.int) }
        return Array(object.encoded.utf8)
    }

    /// Nil for what no version of the gateway has written.
    init?(stored: [UInt8]) {
        guard let object = (try? JSON.parse(stored.span))?.objectValue, let parsed = try? Self.parse(object) else { return nil }
        self = parsed
    }

    private static func position(of key: String, in object: JSONObject) -> Int { (object.keys.firstIndex(of: key) ?? 0) + 1 }

    private static func invalid(_ message: String, place: String? = nil) -> EngineRoutes.Refusal {
        .init(.badRequest, "INVALID_SESSION", message, details: place.map { ["place": .string($0)] } ?? [:])
    }
}

extension SessionInfo {
    static func json(_ join: JoinMode) -> JSON {
        if case .latest(let count) = join { .int(Int64(count)) } else { .string(join.description) }
    }

    var json: JSONObject {
        let history = registration?.history ?? HistoryLimits()
        return [
            "session_id": .string(id.description),
            "kind": registration?.kind.map { .string($0.rawValue) } ?? .null,
            "owner": registration?.owner.map { .string($0) } ?? .null,
            "max_connections": registration?.connectionsMax.map { .int(Int64($0)) } ?? .null,
            "join": registration?.join.map(Self.json) ?? .null,
            "policies": .object((registration ?? SessionRegistration()).policiesJSON),
            "max_history_events": history[.eventsMax].map(JSON.int) ?? .null,
            "max_history_bytes": history[.bytesMax].map(JSON.int) ?? .null,
            "history_retention_ms": history[.retention].map(JSON.int) ?? .null,
            "registered": .bool(registration != nil),
            "connections": .int(Int64(connections)),
            "epoch": lastID.map { .string($0.epoch.description) } ?? .null,
            "last_id": lastID.map { .string($0.description) } ?? .null,
            "oldest_id": oldestID.map { .string($0.description) } ?? .null,
        ]
    }
}
