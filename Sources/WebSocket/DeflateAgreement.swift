/// What server and client agreed on permessage-deflate (RFC 7692 §7.1).
///
/// Neither side ever takes its context over to the next message. Ours could not: messages are compressed once and shared, so none may refer
/// to what one client happened to receive before. The client may not: its context would cost us 40 KB a connection, and idle memory is
/// what a gateway runs out of first. It also keeps one message's secrets from showing in the length of another's.
package struct DeflateAgreement: Sendable, Equatable {
    package let deflateClass: DeflateClass
    /// The client asked for a limit, and is told ours. One that did not ask need not know that we stay below 15.
    private let limitsServerWindow: Bool

    init(_ deflateClass: DeflateClass, limitsServerWindow: Bool) {
        self.deflateClass = deflateClass
        self.limitsServerWindow = limitsServerWindow
    }

    /// The Sec-WebSocket-Extensions of our answer. Of client_max_window_bits it says nothing: we inflate with the largest window.
    package var headerValue: StaticString {
        guard limitsServerWindow else { return "permessage-deflate; server_no_context_takeover; client_no_context_takeover" }
        return switch deflateClass {
        case .window12: "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12"
        case .window9: "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9"
        }
    }
}
