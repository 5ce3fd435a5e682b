/// Who a client is, as its token says: what is left of a token once it is believed. Immutable, and a class: all connections with one token share it, and
/// one without a token has a reference's room.
final class Identity: Sendable {
    /// 1 to 256 bytes.
    let subject: String
    let sessions: SessionGrants
    /// In lower case; nil where the token does not say: all of them.
    let actions: Set<String>?
    /// When the token ends, wall clock, microseconds since 1970, the leeway not counted; nil: never.
    let expiresAt: Int64?

    init(subject: String, sessions: SessionGrants, actions: Set<String>?, expiresAt: Int64?) {
        self.subject = subject
        self.sessions = sessions
        self.actions = actions
        self.expiresAt = expiresAt
    }

    /// `action` is in lower case.
    func allows(action: String) -> Bool { actions?.contains(action) ?? true }

    /// Byte for byte: `==` would take two spellings of one letter for the same subject.
    func isSubject(_ other: String) -> Bool { subject.utf8.elementsEqual(other.utf8) }
}
