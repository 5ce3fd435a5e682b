/// What a `latest` event is about: its type, and the publisher's key. Of two that wait with the same, the older may be left out.
package struct ConflationKey: Sendable, Hashable {
    /// The type; and where there is a key a NUL, which no type has, and the key as it is read: however its publisher escaped it.
    ///
    /// One array: copies share it, and an event without one costs its frame 8 bytes.
    private let bytes: [UInt8]

    init(_ event: PublishedEvent, in body: Span<UInt8>) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(event.typeRange.count + (event.keyRange.map { $0.count + 1 } ?? 0))
        for index in event.typeRange { bytes.append(body[index]) }
        if let range = event.keyRange {
            bytes.append(0)
            if range.contains(where: { body[$0] == UInt8(ascii: "\\") }) {
                bytes.append(contentsOf: JSONText.decode(range, of: body).utf8)
            } else {
                for index in range { bytes.append(body[index]) }
            }
        }
        self.bytes = bytes
    }

    package var type: String { String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }

    /// Of its memory, beside the reference.
    package var bytesInMemory: Int { bytes.count + 32 }
}
