/// One document, and what its fetch may cost.
package struct FetchRequest: Sendable {
    package let address: FetchAddress
    /// Certificates in PEM: these authorities are trusted and no others. Nil: those of the system.
    package let authorities: [UInt8]?
    /// From the look-up of the name to the last byte; at least 1.
    package let timeoutMilliseconds: Int
    /// Of the body, and again of the head.
    package let bytesMax: Int
    /// What the server is told that we are.
    package let agent: String

    package init(address: FetchAddress, authorities: [UInt8]?, timeoutMilliseconds: Int, bytesMax: Int, agent: String) {
        self.address = address
        self.authorities = authorities
        self.timeoutMilliseconds = timeoutMilliseconds
        self.bytesMax = bytesMax
        self.agent = agent
    }
}
