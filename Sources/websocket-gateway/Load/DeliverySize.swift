/// One event on its way to a reader, in bytes; or many, added.
struct DeliverySize: Equatable {
    /// The frame as it came, its head included.
    var wireBytes = 0
    /// The message in it, inflated where it was compressed.
    var messageBytes = 0
    var compressed = 0

    init() {}

    init(wireBytes: Int, messageBytes: Int, isCompressed: Bool) {
        self.wireBytes = wireBytes
        self.messageBytes = messageBytes
        compressed = isCompressed ? 1 : 0
    }

    static func += (total: inout DeliverySize, one: DeliverySize) {
        total.wireBytes += one.wireBytes
        total.messageBytes += one.messageBytes
        total.compressed += one.compressed
    }

    /// What a byte of message takes on the wire.
    var ratio: Double { messageBytes > 0 ? Double(wireBytes) / Double(messageBytes) : 0 }
}
