import Testing
import WebSocket

@Suite("Close codes (RFC 6455 §7.4)")
struct CloseCodeTests {
    private static let edges: [(UInt16, Bool)] = [
        (0, false), (1, false), (999, false), (1000, true), (1003, true), (1004, false), (1005, false), (1006, false),
        (1007, true), (1011, true), (1012, true), (1013, true), (1014, true), (1015, false), (1016, false), (1100, false),
        (2000, false), (2999, false), (3000, true), (3999, true), (4000, true), (4999, true), (5000, false), (65535, false),
    ]

    @Test(arguments: edges)
    func `a code may be on the wire or not`(code: UInt16, isValid: Bool) {
        #expect(CloseCode.isValidOnWire(code) == isValid)
    }

    @Test func `every code of ours may be sent`() {
        let ours: [CloseCode] = [
            .normal, .goingAway, .protocolError, .unsupportedData, .invalidPayload, .policyViolation, .messageTooBig, .internalError,
            .serviceRestart, .tryAgainLater, .unauthorized, .forbidden, .notFound, .slowConsumer, .stale, .rateLimited,
        ]
        #expect(ours.allSatisfy { CloseCode.isValidOnWire($0.rawValue) })
        #expect(ours.map(\.rawValue) == [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 4401, 4403, 4404, 4408, 4411, 4429])
    }
}
