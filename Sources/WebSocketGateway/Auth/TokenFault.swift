/// Why a token lets nobody in. Clients are never told which: it is for the metrics and the log, and its names are their labels.
enum TokenFault: String, Error, CaseIterable, Sendable {
    /// None was given, where one is needed.
    case missing
    /// Several were given, or another scheme than Bearer.
    case ambiguous
    case malformed
    /// Its header says something is critical that we do not know (RFC 7515 §4.1.11), or it is of another type.
    case unsupported
    /// There are no keys: the key set could not be fetched yet. The token was not looked at.
    case noKeys = "no_keys"
    /// It names a key that we do not have.
    case unknownKey = "unknown_key"
    /// It names another algorithm than its key's.
    case algorithm
    case signature
    /// Signed by our issuer, and not as we need it.
    case claims
    case issuer
    case audience
    case notYetValid = "not_yet_valid"
    case expired
    /// Not looked at: its address has failed too often.
    case rate

    var index: Int { Self.allCases.firstIndex(of: self)! }

    /// Whether it may have been a guess. Clients come with tokens that were good, and without one, all the time.
    var isFailure: Bool {
        switch self {
        case .missing, .noKeys, .expired, .rate: false
        default: true
        }
    }
}
