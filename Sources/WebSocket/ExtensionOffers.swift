/// Sec-WebSocket-Extensions, the grammar alone (RFC 6455 §9.1):
///
///     extension-list  = 1#extension
///     extension       = token *( ";" extension-param )
///     extension-param = token [ "=" (token | quoted-string) ]
///
/// White space may stand between any two of these (RFC 2616 §2.1), empty list elements are passed over (RFC 9110 §5.6.1.2),
/// and the field may be spread over several lines (§11.3.2).
///
/// Flow: RequestHead → **ExtensionOffers** → PermessageDeflate
package enum ExtensionOffers {
    /// Later ones are held to the grammar and otherwise left alone: clients offer one or two.
    package static let offersMax = 16
    /// An offer with more is left out, that is declined: permessage-deflate has four.
    package static let parametersMax = 16

    package static func parse(_ values: [String]) throws(HandshakeRejection) -> [ExtensionOffer] {
        var offers: [ExtensionOffer] = []
        for value in values {
            var scanner = Scanner(value)
            while !scanner.isAtEnd {
                if scanner.take(",") { continue }
                if let offer = try offer(from: &scanner), offers.count < offersMax { offers.append(offer) }
                guard scanner.isAtEnd || scanner.take(",") else { throw .malformedExtensions }
            }
        }
        return offers
    }

    private static func offer(from scanner: inout Scanner) throws(HandshakeRejection) -> ExtensionOffer? {
        let name = try scanner.token()
        var parameters: [ExtensionOffer.Parameter] = []
        var count = 0
        while scanner.take(";") {
            let parameter = ExtensionOffer.Parameter(try scanner.token(), scanner.take("=") ? try scanner.tokenOrQuotedString() : nil)
            count += 1
            if count <= parametersMax { parameters.append(parameter) }
        }
        return count <= parametersMax ? ExtensionOffer(name, parameters) : nil
    }

    /// Goes over the bytes once. Between two calls it stands at the end or at something that is no white space.
    private struct Scanner {
        private let bytes: [UInt8]
        private var position = 0

        init(_ text: String) {
            bytes = Array(text.utf8)
            skipSpace()
        }

        var isAtEnd: Bool { position == bytes.count }

        mutating func take(_ separator: Unicode.Scalar) -> Bool {
            guard !isAtEnd, bytes[position] == UInt8(ascii: separator) else { return false }
            position += 1
            skipSpace()
            return true
        }

        mutating func token() throws(HandshakeRejection) -> String {
            let start = position
            while !isAtEnd, Token.isTokenByte(bytes[position]) { position += 1 }
            guard position > start else { throw .malformedExtensions }
            let token = String(decoding: bytes[start..<position], as: UTF8.self)
            skipSpace()
            return token
        }

        /// "The value after quoted-string unescaping MUST conform to the 'token' ABNF."
        mutating func tokenOrQuotedString() throws(HandshakeRejection) -> String {
            guard !isAtEnd, bytes[position] == UInt8(ascii: "\"") else { return try token() }
            position += 1
            var value: [UInt8] = []
            while !isAtEnd, bytes[position] != UInt8(ascii: "\"") {
                if bytes[position] == UInt8(ascii: "\\") { position += 1 }
                guard !isAtEnd, Token.isTokenByte(bytes[position]) else { throw .malformedExtensions }
                value.append(bytes[position])
                position += 1
            }
            guard !value.isEmpty, take("\"") else { throw .malformedExtensions }
            return String(decoding: value, as: UTF8.self)
        }

        private mutating func skipSpace() {
            while !isAtEnd, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
        }
    }
}
