/// Why a connection ends (RFC 6455 §7.4, and the gateway's own 4xxx, which mirror the HTTP status a refusal would have had).
package struct CloseCode: RawRepresentable, Sendable, Hashable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The session is over for good: the existing front end does not come back.
    package static let normal = CloseCode(rawValue: 1000)
    package static let goingAway = CloseCode(rawValue: 1001)
    package static let protocolError = CloseCode(rawValue: 1002)
    package static let unsupportedData = CloseCode(rawValue: 1003)
    package static let invalidPayload = CloseCode(rawValue: 1007)
    package static let policyViolation = CloseCode(rawValue: 1008)
    package static let messageTooBig = CloseCode(rawValue: 1009)
    package static let internalError = CloseCode(rawValue: 1011)
    /// Draining: come back, to another instance.
    package static let serviceRestart = CloseCode(rawValue: 1012)
    package static let tryAgainLater = CloseCode(rawValue: 1013)

    package static let unauthorized = CloseCode(rawValue: 4401)
    package static let forbidden = CloseCode(rawValue: 4403)
    package static let notFound = CloseCode(rawValue: 4404)
    package static let slowConsumer = CloseCode(rawValue: 4408)
    package static let stale = CloseCode(rawValue: 4411)
    package static let rateLimited = CloseCode(rawValue: 4429)

    /// Which codes a Close frame may carry. 1004 is undefined; 1005, 1006 and 1015 only ever describe a connection locally (§7.4.1);
    /// 1012 to 1014 are later registrations (§11.7); below 1000 and 1016 to 2999 is nobody's or the protocol's future;
    /// 3000 to 4999 are libraries' and applications' (§7.4.2).
    package static func isValidOnWire(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
