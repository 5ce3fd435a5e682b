internal import EventLoop
internal import OpenSSL

/// What the TLS sessions of one worker share: contexts, room to work in, and the turn's time for handshakes.
final class WorkerTLS {
    private var contexts: ListenerTLS
    private let loop: EventLoop
    let buffers = TLSBuffers()
    /// Handshakes under way.
    var openHandshakes = 0
    private var turn: UInt64 = 0
    private var stepsInTurn = 0

    /// A step of a handshake takes up to half a millisecond (RSA 2048). Beyond so many in one turn of the loop they wait for the next, and everybody else's
    /// events go first.
    static let stepsPerTurnMax = 4

    init(_ contexts: ListenerTLS, _ loop: EventLoop) {
        self.contexts = contexts
        self.loop = loop
    }

    /// Nil where the listener speaks plain HTTP.
    func context(for admission: Admission) -> TLSContext? {
        switch admission {
        case .client: contexts.client
        case .control: contexts.control
        }
    }

    /// From the next connection on; those that stand keep theirs.
    func replace(_ contexts: ListenerTLS) { self.contexts = contexts }

    func mayTakeStep() -> Bool {
        if turn != loop.turnsCompleted { (turn, stepsInTurn) = (loop.turnsCompleted, 0) }
        guard stepsInTurn < Self.stepsPerTurnMax else { return false }
        stepsInTurn += 1
        return true
    }

    /// What a connection over a limit is told, where a 503 would need a handshake first: a fatal alert, internal_error (RFC 8446 §6.2).
    static let refusal: [UInt8] = [21, 3, 3, 0, 2, 2, 80]
}
