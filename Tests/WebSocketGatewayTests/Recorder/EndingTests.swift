import EventLoop
import Testing
import WebSocket

@testable import WebSocketGateway

@Suite("Why a connection ended")
struct EndingTests {
    private static let table: [(Ending, reason: String, by: String, violation: String?)] = [
        (.clientLeft, "client_left", "client", nil),
        (.endedWithoutClose, "ended_without_close", "network", nil),
        (.sessionEnded, "session_ended", "gateway", nil),
        (.disconnected, "disconnected", "gateway", nil),
        (.draining, "draining", "gateway", nil),
        (.noProgress, "slow_no_progress", "gateway", nil),
        (.queueFull, "slow_queue_full", "gateway", nil), (.memoryBudget, "slow_memory_budget", "gateway", nil),
        (.stale, "stale", "gateway", nil),
        (.cleanedUp, "cleaned_up", "gateway", nil),
        (.rateLimited, "rate_limited", "gateway", nil),
        (.tokenExpired, "token_expired", "gateway", nil),
        (.lifetimeOver, "lifetime_over", "gateway", nil),
        (.refused, "refused", "gateway", nil),
        (.sendError, "send_error", "network", nil),
        (.reset, "reset", "network", nil),
        (.timedOut, "timed_out", "network", nil),
        (.readError, "read_error", "network", nil),
        (.binaryMessage, "protocol_violation", "gateway", "binary_message"),
        (.messageUnfinished, "protocol_violation", "gateway", "message_unfinished"),
        (.unaskedBytes, "protocol_violation", "gateway", "unasked_bytes"),
    ]

    @Test func `each cause has its reason, and who it was`() {
        for (ending, reason, by, violation) in Self.table {
            #expect((ending.reason.rawValue, ending.reason.party.rawValue, ending.violation) == (reason, by, violation))
        }
        #expect(Set(Self.table.map { $0.0.reason }) == Set(ConnectionClosure.Reason.allCases), "every reason has a cause")
    }

    @Test func `a violation is told by its rule`() {
        for violation in ProtocolViolation.all {
            #expect(Ending(violation).violation == violation.name && Ending(violation).reason == .protocolViolation)
        }
    }

    /// Linux's numbers.
    @Test(arguments: [(104, .reset), (110, .timedOut), (113, .readError)] as [(Int32, Ending)])
    func `what the socket says is told`(errno: Int32, ending: Ending) {
        #expect(Ending(reading: SystemError("use a connection", errno: errno)) == ending)
    }
}
