/// What a session runs; the word in its clients' path (`/ws/backtest/…`, `/ws/forward/…`).
public enum SessionKind: String, Sendable, CaseIterable {
    case backtest
    case forward
}
