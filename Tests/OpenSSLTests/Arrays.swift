@testable import OpenSSL

/// The same calls with arrays: `#expect` takes no spans apart.
extension SignatureKey {
    func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool { verifies(signature.span, of: message.span) }
    func verifies(_ signature: [UInt8], of message: String) -> Bool { verifies(signature.span, of: message.utf8.span) }
}

extension ConstantTime {
    static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool { areEqual(left.span, right.span) }
}

extension TrafficKey {
    convenience init?(_ key: [UInt8], _ nonce: [UInt8], sequence: UInt64) {
        self.init(key: key.span, nonce: nonce.span, sequence: sequence)
    }
}
