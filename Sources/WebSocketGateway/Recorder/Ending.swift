internal import EventLoop
internal import WebSocket

/// Why a connection left its session: one case for each cause in the code, one row for each in docs/PROTOCOL.md.
enum Ending: Equatable {
    case clientLeft
    /// FIN, and no Close frame before it.
    case endedWithoutClose
    case sessionEnded
    case disconnected
    case draining
    case noProgress
    case queueFull
    case memoryBudget
    case stale
    case cleanedUp
    /// The position of its name among ``violationNames``.
    case violation(UInt8)
    case rateLimited
    case tokenExpired
    case lifetimeOver
    case refused
    case sendError
    case reset
    case timedOut
    case readError

    init(_ violation: ProtocolViolation) { self = .violation(UInt8(Metric.violationIndex(violation))) }

    /// The socket could not be read any more.
    init(reading error: SystemError) {
        self = error.isConnectionReset ? .reset : error.isTimedOut ? .timedOut : .readError
    }

    static let binaryMessage = Ending.violation(UInt8(ProtocolViolation.all.count))
    static let messageUnfinished = Ending.violation(UInt8(ProtocolViolation.all.count + 1))
    static let unaskedBytes = Ending.violation(UInt8(ProtocolViolation.all.count + 2))

    /// Those of the RFCs' rules, and what the gateway does not put up with besides.
    static let violationNames = ProtocolViolation.all.map(\.name) + ["binary_message", "message_unfinished", "unasked_bytes"]

    var violation: String? { if case .violation(let index) = self { Self.violationNames[Int(index)] } else { nil } }

    var reason: ConnectionClosure.Reason {
        switch self {
        case .clientLeft: .clientLeft
        case .endedWithoutClose: .endedWithoutClose
        case .sessionEnded: .sessionEnded
        case .disconnected: .disconnected
        case .draining: .draining
        case .noProgress: .slowNoProgress
        case .queueFull: .slowQueueFull
        case .memoryBudget: .slowMemoryBudget
        case .stale: .stale
        case .cleanedUp: .cleanedUp
        case .violation: .protocolViolation
        case .rateLimited: .rateLimited
        case .tokenExpired: .tokenExpired
        case .lifetimeOver: .lifetimeOver
        case .refused: .refused
        case .sendError: .sendError
        case .reset: .reset
        case .timedOut: .timedOut
        case .readError: .readError
        }
    }
}
