internal import Sessions
internal import WebSocket

/// How a client is connected. What differs between the two is here, in `ClientConnection+EventStream.swift` and in `Routes/EventStreamRoutes.swift`; all
/// else of a connection is the same.
public enum Transport: String, Sendable, CaseIterable {
    case webSocket = "websocket"
    /// Server-Sent Events: the body of an answer to GET, which ends with the connection.
    case eventStream = "sse"
}

extension Transport {
    /// The client answers pings. Of one that cannot, silence says nothing; the kernel says when it is gone (``TCPStream/setUserTimeout(milliseconds:)``).
    var isHeard: Bool { self == .webSocket }

    /// The client answers our last words, and is waited for. An event stream ends with them.
    var answersFarewell: Bool { self == .webSocket }

    /// A message of ours: `body` writes its JSON, one line of `length` bytes. `seen` is the event up to which a client of an event stream misses
    /// nothing though it was given none: it says so when it comes back.
    func appendMessage(ofLength length: Int, seen: EventID? = nil, to bytes: inout [UInt8], _ body: (inout ByteWriter) -> Void) {
        switch self {
        case .webSocket:
            ByteWriter.append(FrameEncoder.headerLength(payloadLength: length) + length, to: &bytes) { writer in
                FrameEncoder.forEachHeaderByte(.text, payloadLength: length) { writer.write($0) }
                body(&writer)
            }
        case .eventStream: EventStream.appendEvent(id: seen, ofLength: length, to: &bytes, body)
        }
    }

    /// A message with this JSON.
    func message(_ json: [UInt8]) -> [UInt8] {
        switch self {
        case .webSocket: FrameEncoder.frame(.text, json)
        case .eventStream: EventStream.event(data: json.span)
        }
    }

    /// Our last words: a Close frame, or an event that says the same.
    func farewell(_ code: CloseCode, reason: String, retryMilliseconds: Int?, now: @autoclosure () -> Timestamp) -> [UInt8] {
        switch self {
        case .webSocket: FrameEncoder.close(code, reason: reason)
        case .eventStream:
            (retryMilliseconds.map { EventStream.retry(milliseconds: $0) } ?? []) + OwnMessages.closed(code, reason: reason, now: now())
        }
    }
}
