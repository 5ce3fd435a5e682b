import Testing
import WebSocket

@Suite("Handshake rejections")
struct HandshakeRejectionTests {
    private static let all: [HandshakeRejection] = [
        .notGet, .missingUpgrade, .missingConnectionUpgrade, .httpVersionTooOld, .missingVersion, .duplicateVersion, .unsupportedVersion,
        .missingKey, .duplicateKey, .malformedKey, .malformedSubprotocol, .malformedExtensions,
        .digestUnavailable,
    ]

    @Test(arguments: all)
    func `a rejection is an HTTP error with a message and a section`(rejection: HandshakeRejection) {
        #expect((400...599).contains(rejection.statusCode))
        #expect(!rejection.message.isEmpty)
        #expect(rejection.section.hasPrefix("§"))
    }

    @Test func `an unsupported version is told the supported one (§4_4)`() {
        #expect(HandshakeRejection.unsupportedVersion.statusCode == 426)
        #expect(HandshakeRejection.unsupportedVersion.headers.contains { $0 == ("Sec-WebSocket-Version", "13") })
        #expect(HandshakeRejection.unsupportedVersion.headers.contains { $0 == ("Upgrade", "websocket") })
    }

    @Test func `another method is told the allowed one`() {
        #expect(HandshakeRejection.notGet.statusCode == 405)
        #expect(HandshakeRejection.notGet.headers.contains { $0 == ("Allow", "GET") })
    }
}
