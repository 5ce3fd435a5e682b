import HistoryStore
import Sessions

/// What a history must hold, kept in the simplest way.
struct KeptModel: Equatable {
    struct Session: Equatable {
        var epoch: Epoch?
        var events: [KeptEvent] = []
        var registration: [UInt8]?
        var keys: [String: StoredKey] = [:]
    }

    var sessions: [SessionID: Session] = [:]
    var broadcastKeys: [String: StoredKey] = [:]

    mutating func apply(_ changes: [StoreChange]) {
        for change in changes {
            switch change {
            case .begin(let id, let epoch): sessions[id, default: Session()].epoch = epoch
            case .register(let id, let registration):
                if registration != nil || sessions[id] != nil { sessions[id, default: Session()].registration = registration }
            case .append(let id, let events): sessions[id]?.events += events.map(KeptEvent.init)
            case .key(let id, let key): sessions[id]?.keys[key.key] = key
            case .broadcast(let key): broadcastKeys[key.key] = key
            case .delete(let id): sessions[id] = nil
            }
        }
    }

    /// Why the history is not this; nil where it is. What the limits took is not missed.
    func difference(from history: SQLiteHistory, _ state: StoredState, limits: StoreLimits) throws -> String? {
        guard state.sessions.map(\.id).sorted() == sessions.keys.sorted() else { return "sessions \(state.sessions.map(\.id))" }
        guard state.broadcastKeys.sorted(by: { $0.key < $1.key }) == broadcastKeys.values.sorted(by: { $0.key < $1.key }) else {
            return "keys of broadcasts"
        }
        for stored in state.sessions {
            let model = sessions[stored.id, default: Session()]
            guard stored.epoch == model.epoch else { return "epoch of \(stored.id)" }
            guard stored.registration == model.registration else { return "registration of \(stored.id)" }
            guard stored.keys.sorted(by: { $0.key < $1.key }) == model.keys.values.sorted(by: { $0.key < $1.key }) else {
                return "keys of \(stored.id)"
            }
            guard stored.range.newest == UInt64(model.events.count) else {
                return "\(stored.id) ends at \(stored.range.newest), not \(model.events.count)"
            }
            let kept = try history.kept(stored.id)
            guard kept.count >= min(model.events.count, limits.eventsMax) else { return "\(stored.id) has only \(kept.count)" }
            guard kept.first.map(\.sequence) ?? stored.range.oldest == stored.range.oldest else { return "\(stored.id) begins elsewhere" }
            guard kept == Array(model.events.suffix(kept.count)) else { return "events of \(stored.id)" }
        }
        return nil
    }
}
