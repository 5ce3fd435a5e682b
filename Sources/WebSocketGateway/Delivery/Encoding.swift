internal import WebSocket

/// In which form a connection gets its events: what its handshake agreed on, or the text of an event stream.
enum Encoding: Int, CaseIterable, Sendable {
    case plain
    case window12
    case window9
    case eventStream

    init(_ agreement: DeflateAgreement?) {
        switch agreement?.deflateClass {
        case nil: self = .plain
        case .window12: self = .window12
        case .window9: self = .window9
        }
    }

    var deflateClass: DeflateClass? {
        switch self {
        case .plain, .eventStream: nil
        case .window12: .window12
        case .window9: .window9
        }
    }

    var transport: Transport { self == .eventStream ? .eventStream : .webSocket }
}

/// One value for each encoding.
struct PerEncoding<Value> {
    var plain: Value
    var window12: Value
    var window9: Value
    var eventStream: Value

    init(_ value: Value) {
        plain = value
        window12 = value
        window9 = value
        eventStream = value
    }

    subscript(encoding: Encoding) -> Value {
        get {
            switch encoding {
            case .plain: plain
            case .window12: window12
            case .window9: window9
            case .eventStream: eventStream
            }
        }
        set {
            switch encoding {
            case .plain: plain = newValue
            case .window12: window12 = newValue
            case .window9: window9 = newValue
            case .eventStream: eventStream = newValue
            }
        }
    }
}

extension PerEncoding: Sendable where Value: Sendable {}

extension PerEncoding where Value == Int {
    var total: Int { plain + window12 + window9 + eventStream }
}
