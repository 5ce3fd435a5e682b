/// The client's side of the opening handshake (RFC 6455 §4.1), for our own tools and tests.
package enum ClientHandshake {
    package static func request(host: String, target: String, key: String, headers: [(String, String)]) -> [UInt8] {
        var text = "GET \(target) HTTP/1.1\r\nHost: \(host)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        text += "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Version: 13\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        return Array((text + "\r\n").utf8)
    }

    /// 16 random bytes in Base64 (§4.1 item 7): 21 digits of 6 bits, one that holds the last 2 bits, two pads.
    package static func makeKey() -> String {
        var key = String((0..<21).map { _ in digits.randomElement()! })
        key.append("AQgw".randomElement()!)
        return key + "=="
    }

    /// What a server that understood `key` answers as Sec-WebSocket-Accept (§4.1).
    package static func expectedAccept(key: String) -> String {
        guard let accept = AcceptKey(answering: key.utf8.span) else { preconditionFailure("libcrypto has SHA-1") }
        return accept.description
    }

    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}
