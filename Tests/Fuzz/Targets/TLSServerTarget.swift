@testable import OpenSSL

/// Input: what a peer sends to a listener that speaks TLS; hellos, well formed and not.
enum TLSServerTarget: FuzzTarget {
    static let name = "tls_server"

    static func run(_ input: [UInt8]) {
        let whole = outcome(input, [0..<input.count])
        for pieces in Pieces.ways(input) {
            requireEqual(outcome(input, pieces), whole, "a handshake is judged the same however its bytes are split")
        }
        requireEnd(input)
    }

    private struct Outcome: Equatable {
        var failure: TLSFailure?
        var hasAnswer = false
    }

    /// A server's whole flight, hello retry and certificate included, with what an alert adds.
    private static let outputBytesMax = 8_192

    private static let buffers = { FuzzBuffers() }()

    private static func server() -> TLSSession {
        do throws(TLSFailure) { return try TLSSession.server(FuzzIdentity.server, buffers.shared) } catch {
            fatalError("a session: \(error)")
        }
    }

    private static func outcome(_ input: [UInt8], _ pieces: [Range<Int>]) -> Outcome {
        let session = server()
        var outcome = Outcome()
        for piece in pieces where outcome.failure == nil { outcome.failure = feed(input.span.extracting(piece), to: session) }
        outcome.hasAnswer = session.hasOutput
        if let failure = outcome.failure { requireFinal(failure, session) }
        return outcome
    }

    /// Without a key nobody gets in: neither plaintext nor an established session comes of any bytes.
    private static func feed(_ bytes: Span<UInt8>, to session: TLSSession) -> TLSFailure? {
        defer {
            require(!session.isEstablished, "a handshake is not done without the keys")
            require(session.outputBytes <= outputBytesMax, "a peer that sends little is sent little")
        }
        do throws(TLSFailure) {
            let received = try session.receive(bytes) { _ in fatalError("broken rule: there is no plaintext before the handshake is done") }
            require(received == .all, "an end is not said before the handshake is done")
            return nil
        } catch { return error }
    }

    private static func requireFinal(_ failure: TLSFailure, _ session: TLSSession) {
        require(!failure.detail.isEmpty && !failure.detail.hasControlCharacters, "a failure says why, in words for a log")
        let before = session.outputBytes
        session.sendEnd()
        requireEqual(session.outputBytes, before, "a session that failed says no more")
        var again: TLSFailure?
        do throws(TLSFailure) { _ = try session.receive([22, 3, 1].span) { _ in true } } catch { again = error }
        requireEqual(again?.reason, .violation, "a failure is final")
        // Its alert is for the socket, in any pieces.
        while session.hasOutput { session.sent(min(3, session.outputBytes)) }
    }

    /// The same again and again comes to an end, and nothing piles up meanwhile.
    private static func requireEnd(_ input: [UInt8]) {
        guard input.count >= 512 else { return }
        let session = server()
        var fed = 0
        while fed <= TLSSession.handshakeBytesMax {
            guard feed(input.span, to: session) == nil else { return }
            fed += input.count
        }
        fatalError("broken rule: a handshake without end is cut")
    }
}

/// Made once for all runs, as a worker's are.
final class FuzzBuffers: @unchecked Sendable {
    /// One thread fuzzes.
    let shared = TLSBuffers()
}
