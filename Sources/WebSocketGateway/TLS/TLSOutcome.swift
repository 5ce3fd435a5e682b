internal import OpenSSL

/// How a TLS handshake ended: a closed set, and each a value of a metric's label.
enum TLSOutcome: Equatable {
    case completed
    /// With a ticket of an earlier session.
    case resumed
    case timeout
    /// The peer left before it was done.
    case abandoned
    /// Refused: as many were under way as may be.
    case limit
    /// The gateway was shutting down.
    case draining
    case failed(TLSFailure.Reason)

    static let all: [TLSOutcome] =
        [.completed, .resumed, .timeout, .abandoned, .limit, .draining] + TLSFailure.Reason.allCases.map { .failed($0) }

    var name: String {
        switch self {
        case .completed: "completed"
        case .resumed: "resumed"
        case .timeout: "timeout"
        case .abandoned: "abandoned"
        case .limit: "limit"
        case .draining: "draining"
        case .failed(let reason): reason.rawValue
        }
    }

    var index: Int { Self.all.firstIndex(of: self)! }
}
