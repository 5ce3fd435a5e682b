/// Who a client is, as its token says: what is left of a token once it is believed. Immutable, and a class: all connections with one token share it, and
/// one without a token has a reference's room.
final class Identity: Sendable {
    /// 1 to 256 bytes.
    let subject: String
    let sessions: SessionGrants
    /// The bytes of each, in lower case; nil where the token does not say: all of them.
    let actions: Set<[UInt8]>?
    /// When the token ends, wall clock, microseconds since 1970, the leeway not counted; nil: never.
    let expiresAt: Int64?

    init(subject: String, sessions: SessionGrants, actions: Set<[UInt8]>?, expiresAt: Int64?) {
        self.subject = subject
        self.sessions = sessions
        self.actions = actions
        self.expiresAt = expiresAt
    }

    /// `action` is in lower case. Byte for byte, as the engine will read it.
    func allows(action: String) -> Bool { actions?.contains(Array(action.utf8)) ?? true }

    /// Byte for byte: `==` would take two spellings of one letter for the same subject.
    func isSubject(_ other: String) -> Bool { subject.utf8.elementsEqual(other.utf8) }
}
