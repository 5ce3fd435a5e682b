package import HTTP

/// The server's side of the opening handshake (RFC 6455 §4.2).
///
/// Flow: RequestParser → **Handshake** → MessageReader
package enum Handshake {
    /// A request that becomes a WebSocket, and what to answer it.
    package struct Acceptance: Sendable, Equatable {
        /// Sec-WebSocket-Accept.
        package let acceptKey: String
        /// Of ours, the first that the client offered.
        package let subprotocol: String?
        /// What was agreed on permessage-deflate; nil: messages are not compressed.
        package let deflate: DeflateAgreement?

        /// The bytes of the 101 (§4.2.2 item 5). What follows them is frames.
        package var response: [UInt8] {
            let start: StaticString =
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            var bytes: [UInt8] = []
            bytes.reserveCapacity(256)
            start.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: acceptKey.utf8)
            if let subprotocol { bytes.append(contentsOf: "\r\nSec-WebSocket-Protocol: \(subprotocol)".utf8) }
            if let deflate { bytes.append(contentsOf: "\r\nSec-WebSocket-Extensions: \(deflate.headerValue)".utf8) }
            bytes.append(contentsOf: "\r\n\r\n".utf8)
            return bytes
        }
    }

    /// `subprotocols` are ours, in order of preference. With `deflate`, permessage-deflate is agreed where it is offered in a form
    /// that we can meet. Extensions are declined by saying nothing (§9.1).
    package static func accept(
        _ head: RequestHead, subprotocols: [String], deflate: Bool = false
    ) throws(HandshakeRejection) -> Acceptance {
        guard head.method == .get else { throw .notGet }
        guard head.isUpgrade else {
            guard head.has("upgrade", token: "websocket") else { throw .missingUpgrade }
            guard head.has("connection", token: "upgrade") else { throw .missingConnectionUpgrade }
            // With both fields present, only HTTP/1.0 is left to be no upgrade.
            throw .httpVersionTooOld
        }
        try checkVersion(head)
        let key = try key(head)
        let subprotocol = try Subprotocols.select(from: head.values("sec-websocket-protocol"), ours: subprotocols)
        // Malformed offers are refused whatever is made of them (§9.1).
        let offers = try ExtensionOffers.parse(head.values("sec-websocket-extensions"))
        let agreement = deflate ? PermessageDeflate.negotiate(offers) : nil
        guard let acceptKey = AcceptKey.accept(key) else { throw .digestUnavailable }
        return Acceptance(acceptKey: acceptKey, subprotocol: subprotocol, deflate: agreement)
    }

    private static func checkVersion(_ head: RequestHead) throws(HandshakeRejection) {
        guard let isOurs = head.first("sec-websocket-version", satisfies: { $0.equals("13") }) else { throw .missingVersion }
        guard head.count("sec-websocket-version") == 1 else { throw .duplicateVersion }
        guard isOurs else { throw .unsupportedVersion }
    }

    private static func key(_ head: RequestHead) throws(HandshakeRejection) -> String {
        guard let key = head.first("sec-websocket-key") else { throw .missingKey }
        guard head.count("sec-websocket-key") == 1 else { throw .duplicateKey }
        guard AcceptKey.isWellFormed(key) else { throw .malformedKey }
        return key
    }
}
