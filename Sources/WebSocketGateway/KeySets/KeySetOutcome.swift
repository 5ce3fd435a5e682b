internal import Curl

/// How a fetch of the key set ended, as metrics and the log have it: a closed list.
enum KeySetOutcome: Equatable, Sendable {
    /// The set is another one than before.
    case changed
    case unchanged
    case failed(FetchFailure)
    /// A document, and no key set that can be used; with what is wrong with it.
    case invalid(String)

    static let names = ["changed", "unchanged", "invalid"] + FetchFailure.Kind.allCases.map(\.rawValue)

    var name: String {
        switch self {
        case .changed: "changed"
        case .unchanged: "unchanged"
        case .invalid: "invalid"
        case .failed(let failure): failure.kind.rawValue
        }
    }

    var index: Int { Self.names.firstIndex(of: name)! }

    /// Nil: there is nothing wrong.
    var detail: String? {
        switch self {
        case .changed, .unchanged: nil
        case .invalid(let reason): reason
        case .failed(let failure): failure.detail
        }
    }
}
