package import HTTP

/// The server's side of the opening handshake (RFC 6455 §4.2).
///
/// Flow: RequestParser → **Handshake** → MessageReader
package enum Handshake {
    /// A request that becomes a WebSocket, and what to answer it.
    package struct Acceptance: Sendable, Equatable {
        package let acceptKey: AcceptKey
        /// Of ours, the first that the client offered.
        package let subprotocol: String?
        /// What was agreed on permessage-deflate; nil: messages are not compressed.
        package let deflate: DeflateAgreement?

        /// The bytes of the 101 (§4.2.2 item 5). What follows them is frames.
        package func appendResponse(to bytes: inout [UInt8]) {
            append("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ", to: &bytes)
            acceptKey.append(to: &bytes)
            if let subprotocol {
                append("\r\nSec-WebSocket-Protocol: ", to: &bytes)
                bytes.append(contentsOf: subprotocol.utf8)
            }
            if let deflate {
                append("\r\nSec-WebSocket-Extensions: ", to: &bytes)
                append(deflate.headerValue, to: &bytes)
            }
            append("\r\n\r\n", to: &bytes)
        }

        private func append(_ text: StaticString, to bytes: inout [UInt8]) { text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) } }
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
        let acceptKey = try answerKey(head)
        let subprotocol = try Subprotocols.select(from: head.values("sec-websocket-protocol"), ours: subprotocols)
        let agreement = try agreement(head)
        return Acceptance(acceptKey: acceptKey, subprotocol: subprotocol, deflate: deflate ? agreement : nil)
    }

    private static func checkVersion(_ head: RequestHead) throws(HandshakeRejection) {
        var lines = 0
        let isOurs = head.first("sec-websocket-version") { value, count in
            lines = count
            return value.equals("13")
        }
        guard let isOurs else { throw .missingVersion }
        guard lines == 1 else { throw .duplicateVersion }
        guard isOurs else { throw .unsupportedVersion }
    }

    private static func answerKey(_ head: RequestHead) throws(HandshakeRejection) -> AcceptKey {
        var lines = 0
        var answer: AcceptKey?
        let isWellFormed = head.first("sec-websocket-key") { key, count in
            lines = count
            guard AcceptKey.isWellFormed(key) else { return false }
            answer = AcceptKey(answering: key)
            return true
        }
        guard let isWellFormed else { throw .missingKey }
        guard lines == 1 else { throw .duplicateKey }
        guard isWellFormed else { throw .malformedKey }
        guard let answer else { throw .digestUnavailable }
        return answer
    }

    /// Malformed offers are refused whatever is made of them (§9.1).
    private static func agreement(_ head: RequestHead) throws(HandshakeRejection) -> DeflateAgreement? {
        guard let isUsual = head.first("sec-websocket-extensions", satisfies: { $1 == 1 && PermessageDeflate.isUsualOffer($0) }) else {
            return nil
        }
        if isUsual { return PermessageDeflate.usualAgreement }
        return PermessageDeflate.negotiate(try ExtensionOffers.parse(head.values("sec-websocket-extensions")))
    }
}
