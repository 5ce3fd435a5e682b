import WebSocket

// A macro such as #expect cannot take a call apart that has a span among its arguments.

extension Deflater {
    func deflate(_ message: [UInt8]) -> [UInt8]? { deflate(message.span) }
}

extension Inflater {
    func inflate(_ compressed: [UInt8], max: Int) throws(ProtocolViolation) -> [UInt8] { try inflate(compressed.span, max: max) }
}
