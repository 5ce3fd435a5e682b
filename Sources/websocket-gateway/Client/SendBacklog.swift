import EventLoop

/// What a socket did not take yet: the streams queue nothing themselves.
struct SendBacklog {
    private var bytes: [UInt8] = []
    private var sent = 0

    var isEmpty: Bool { sent == bytes.count }
    var count: Int { bytes.count - sent }

    mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }

    /// Hands over what the kernel takes, and asks to be told when it takes more. Throws where the connection is broken, and has nothing left then:
    /// ``TCPStream/sendingFailed(_:)`` hears what the peer said, once this has returned.
    mutating func flush(to stream: TCPStream) throws(SystemError) {
        while !isEmpty {
            switch stream.send(bytes.span.extracting(sent...)) {
            case .sent(0): return stream.waitUntilWritable()
            case .sent(let count): sent += count
            case .failed(let error):
                self = SendBacklog()
                throw error
            }
        }
        bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptBytesMax)
        sent = 0
    }

    /// Ten thousand connections that each once sent something large should not keep the room for it.
    private static let keptBytesMax = 1024
}
