/// Why a request does not become a WebSocket (RFC 6455 §4.2): answered over HTTP, before any upgrade.
package enum HandshakeRejection: Error, Sendable, Equatable {
    case notGet
    case missingUpgrade
    case missingConnectionUpgrade
    case httpVersionTooOld
    case missingVersion
    case duplicateVersion
    case unsupportedVersion
    case missingKey
    case duplicateKey
    case malformedKey
    case malformedSubprotocol
    case malformedExtensions
    /// Ours, not the peer's: libcrypto refused to hash.
    case digestUnavailable
}

extension HandshakeRejection {
    package var statusCode: UInt16 {
        switch self {
        case .notGet: 405
        case .missingUpgrade, .missingConnectionUpgrade, .unsupportedVersion: 426
        case .httpVersionTooOld: 505
        case .missingVersion, .duplicateVersion, .missingKey, .duplicateKey, .malformedKey: 400
        case .malformedSubprotocol, .malformedExtensions: 400
        case .digestUnavailable: 500
        }
    }

    /// What the answer must say besides its status: RFC 9110 §15.5.6 (405), §15.5.22 (426), RFC 6455 §4.4 (the version we speak).
    package var headers: [(name: String, value: String)] {
        switch self {
        case .notGet: [("Allow", "GET")]
        case .missingUpgrade, .missingConnectionUpgrade, .unsupportedVersion:
            [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13")]
        case .missingVersion, .duplicateVersion: [("Sec-WebSocket-Version", "13")]
        default: []
        }
    }

    package var message: String {
        switch self {
        case .notGet: "a WebSocket is opened with GET"
        case .missingUpgrade: "Upgrade must name websocket"
        case .missingConnectionUpgrade: "Connection must name Upgrade"
        case .httpVersionTooOld: "a WebSocket is opened with HTTP/1.1"
        case .missingVersion: "Sec-WebSocket-Version is missing"
        case .duplicateVersion: "Sec-WebSocket-Version must appear once"
        case .unsupportedVersion: "Sec-WebSocket-Version must be 13"
        case .missingKey: "Sec-WebSocket-Key is missing"
        case .duplicateKey: "Sec-WebSocket-Key must appear once"
        case .malformedKey: "Sec-WebSocket-Key must be 16 bytes in Base64"
        case .malformedSubprotocol: "Sec-WebSocket-Protocol must list distinct tokens"
        case .malformedExtensions: "Sec-WebSocket-Extensions must list extensions with their parameters"
        case .digestUnavailable: "the accept key could not be computed"
        }
    }

    /// The rule, in RFC 6455.
    package var section: String {
        switch self {
        case .notGet, .httpVersionTooOld, .missingUpgrade, .missingConnectionUpgrade, .missingVersion, .missingKey, .malformedKey: "§4.2.1"
        case .unsupportedVersion, .digestUnavailable: "§4.2.2"
        case .duplicateKey: "§11.3.1"
        case .malformedSubprotocol: "§4.1"
        case .malformedExtensions: "§9.1"
        case .duplicateVersion: "§11.3.5"
        }
    }
}
