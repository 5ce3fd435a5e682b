import HTTP
import WebSocket

/// Judges every message that a reader of a run gets, to the last byte; with one inflater for all of them.
///
/// The gateway sends the same bytes to everybody of a session, and no compression takes its context over. So what the bytes of one reader were
/// found to be, those of the next one are when they are the same, and need be neither inflated nor read again. 32 candle events of 4 KB in flight
/// to 500 connections cost the tool 0.7 µs a delivery like this; inflating each anew 13 µs, and a run would measure the tool.
///
/// Flow: ServerFrameScanner → **LoadJudge** (LoadEvent) → LoadConnection
final class LoadJudge {
    /// An event as it was published, to the session it was published to.
    struct Found: Equatable {
        let id: UInt64
        let sentAt: UInt64
        let messageBytes: Int
    }

    enum Verdict: Equatable {
        case event(Found)
        /// Not as it was published, and how.
        case wrong(String)
        /// What the gateway says to this connection alone.
        case own([UInt8])
    }

    private struct Judged {
        let session: Int
        let isCompressed: Bool
        let bytes: [UInt8]
        let found: Found
    }

    private let event: LoadEvent
    private let inflater: Inflater
    private var judged: [Judged?]

    /// nil when memory is short.
    init?(_ event: LoadEvent, messagesKept: Int) {
        guard let inflater = Inflater() else { return nil }
        self.event = event
        self.inflater = inflater
        judged = Array(repeating: nil, count: messagesKept)
    }

    /// A text message's payload as it came. `next` is the id that its reader expects: what other readers of the session expected, and had
    /// judged, is looked for there. It need not be right: bytes are compared, not ids.
    func judge(
        _ payload: Span<UInt8>, isCompressed: Bool, of session: LoadSession, next: UInt64
    ) throws(ProtocolViolation) -> Verdict {
        let place = Int((next &+ UInt64(session.index) &* 31) % UInt64(judged.count))
        if let known = judged[place], known.session == session.index, known.isCompressed == isCompressed,
            payload.isIdentical(to: known.bytes.span)
        {
            return .event(known.found)
        }
        let verdict = isCompressed ? judge(try open(payload), session) : judge(payload, session)
        if case .event(let found) = verdict {
            judged[place] = Judged(session: session.index, isCompressed: isCompressed, bytes: payload.copied(), found: found)
        }
        return verdict
    }

    /// A compressed message is inflated to no more than one may have that is not.
    func open(_ payload: Span<UInt8>) throws(ProtocolViolation) -> [UInt8] {
        let opened = try CompressedMessage.open(.text, payload.copied(), frames: 1, with: inflater, max: ServerFrameScanner.frameBytesMax)
        guard case .text(let message) = opened else { preconditionFailure("text opens to text") }
        return message
    }

    private func judge(_ message: [UInt8], _ session: LoadSession) -> Verdict { judge(message.span, session) }

    private func judge(_ message: Span<UInt8>, _ session: LoadSession) -> Verdict {
        switch event.read(message) {
        case .event(let epoch, let id, let sequence, let sentAt):
            guard session.isOurs(message.extracting(epoch)) else { return .wrong("an event of another epoch, \(id)") }
            guard id == (session.base ?? 0) &+ sequence else { return .wrong("id \(id) carries event \(sequence) of those published") }
            return .event(Found(id: id, sentAt: sentAt, messageBytes: message.count))
        case .altered(let sequence): return .wrong("event \(sequence) did not arrive as it was published: \(Self.excerpt(message))")
        case .foreign: return .wrong("an event that was not published by us: \(Self.excerpt(message))")
        case .own: return .own(message.copied())
        }
    }

    static func excerpt(_ message: Span<UInt8>) -> String {
        SafeText.escaped(String(decoding: message.extracting(..<min(200, message.count)).copied(), as: UTF8.self))
    }
}
