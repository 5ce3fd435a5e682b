import Testing

@testable import WebSocketGateway

@Suite("Who a client is")
struct IdentityTests {
    private func identity(_ subject: String) -> Identity {
        Identity(subject: subject, sessions: SessionGrants(), actions: nil, expiresAt: nil)
    }

    /// U+212A KELVIN SIGN is a K, and an e with an accent of its own an é, to a comparison of Strings.
    @Test(arguments: [("K", "\u{212A}"), ("é", "e\u{301}"), ("a", "A"), ("a", "a ")]) func `a subject is its bytes`(
        _ one: String, _ other: String
    ) {
        #expect(identity(one).isSubject(one))
        #expect(!identity(one).isSubject(other))
    }

    @Test func `a session is open by its name, to its owner, or without one to who has no token`() {
        let owned = SessionRegistration(owner: "anna")
        #expect(SessionAccess.open.allows(owned) && SessionAccess.open.allows(nil))
        #expect(SessionAccess.owner(identity("anna")).allows(owned))
        #expect(!SessionAccess.owner(identity("bert")).allows(owned))
        #expect(!SessionAccess.owner(identity("anna")).allows(nil))
        #expect(!SessionAccess.owner(identity("anna")).allows(SessionRegistration()))
        #expect(SessionAccess.anonymous.allows(nil) && SessionAccess.anonymous.allows(SessionRegistration()))
        #expect(!SessionAccess.anonymous.allows(owned))
    }
}
