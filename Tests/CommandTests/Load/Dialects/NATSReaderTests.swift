import Testing

@testable import websocket_gateway

@Suite struct NATSReaderTests {
    private struct Read: Equatable {
        let operation: NATSReader.Operation
        let text: String

        init(_ operation: NATSReader.Operation, _ text: String = "") {
            self.operation = operation
            self.text = text
        }
    }

    /// A payload may look like operations, hold line breaks, or nothing.
    private static let stream = Array(
        ("INFO {\"server_id\":\"N\",\"max_payload\":1048576}\r\nPONG\r\nMSG session.load-1 1 5\r\nhello\r\nPING\r\n"
            + "MSG session.load-1 1 0\r\n\r\n+OK\r\nMSG session.load-1 1 reply.to 17\r\nPING\r\nMSG a 1 1\r\n\r\n"
            + "MSG a 99 200\r\n" + String(repeating: "é", count: 100) + "\r\n-ERR 'Stale Connection'\r\nPONG\r\n").utf8)
    private static let operations = [
        Read(.info, "{\"server_id\":\"N\",\"max_payload\":1048576}"), Read(.pong), Read(.message, "hello"), Read(.ping), Read(.message),
        Read(.ok), Read(.message, "PING\r\nMSG a 1 1\r\n"), Read(.message, String(repeating: "é", count: 100)),
        Read(.error, "'Stale Connection'"), Read(.pong),
    ]

    private func read(_ pieces: [ArraySlice<UInt8>]) throws -> [Read] {
        var reader = NATSReader()
        var read: [Read] = []
        for piece in pieces {
            try reader.receive(piece.span) { operation, payload in
                read.append(Read(operation, String(decoding: payload.copied(), as: UTF8.self)))
                return true
            }
        }
        return read
    }

    @Test(arguments: [1, 2, 3, 5, 7, 16, 64, 1000])
    func `operations are the same in pieces of any size`(_ size: Int) throws {
        let starts = stride(from: 0, to: Self.stream.count, by: size)
        let read = try read(starts.map { Self.stream[$0..<min($0 + size, Self.stream.count)] })
        #expect(read == Self.operations)
    }

    @Test func `operations are the same however they are split in two, and none is told before it is whole`() throws {
        for place in 0...Self.stream.count {
            let whole = try read([Self.stream[..<place], Self.stream[place...]])
            #expect(whole == Self.operations, "split at \(place)")
            let beginning = try read([Self.stream[..<place]])
            #expect(beginning == Array(Self.operations.prefix(beginning.count)), "the first \(place) bytes")
            #expect(place < Self.stream.count ? beginning.count < Self.operations.count : true)
        }
    }

    @Test(arguments: [
        ("HMSG a 1 2 3\r\n", NATSReader.Fault.unknownOperation), ("PIN\r\n", .unknownOperation), ("PINGS\r\n", .unknownOperation),
        ("ping\r\n", .unknownOperation), ("\r\n", .unknownOperation), ("INFO\r\n", .unknownOperation), ("-ERR\r\n", .unknownOperation),
        ("MSGa 1 2\r\n", .unknownOperation), ("{}\r\n", .unknownOperation),
        ("MSG a\r\n", .malformedMessage), ("MSG a 1\r\n", .malformedMessage), ("MSG a 1 b c 0\r\n", .malformedMessage),
        ("MSG a 1 \r\n", .malformedMessage), ("MSG  1 0\r\n", .malformedMessage), ("MSG a  0\r\n", .malformedMessage),
        ("MSG a 1 -1\r\n", .malformedMessage), ("MSG a 1 0x1\r\n", .malformedMessage), ("MSG a 1 1 \r\nx\r\n", .malformedMessage),
        ("MSG a 1 1\r\nxy\r\n", .malformedMessage), ("MSG a 1 1\r\nx\rP", .malformedMessage),
        ("MSG a 1 1048577\r\n", .messageTooLong), ("MSG a 1 99999999999999999999999\r\n", .messageTooLong),
    ])
    func `what no server says is refused`(_ text: String, fault: NATSReader.Fault) {
        #expect(throws: fault) { try read([Array(text.utf8)[...]]) }
        #expect(throws: fault) { try read(text.utf8.map { [$0] }) }
    }

    @Test func `a line without an end is refused before it is all of memory`() throws {
        let line = Array("INFO {".utf8) + Array(repeating: UInt8(ascii: "x"), count: NATSReader.lineBytesMax)
        #expect(throws: NATSReader.Fault.lineTooLong) { try read([line[...]]) }
        #expect(try read([line.prefix(NATSReader.lineBytesMax)]) == [])
    }

    @Test func `the longest message is taken`() throws {
        let payload = String(repeating: "x", count: NATSReader.payloadBytesMax)
        let text = "MSG a 1 \(payload.utf8.count)\r\n\(payload)\r\n"
        #expect(try read([Array(text.utf8)[...]]) == [Read(.message, payload)])
    }

    @Test func `the receiver can stop`() throws {
        var reader = NATSReader()
        var count = 0
        try reader.receive(Self.stream.span) { _, _ in
            count += 1
            return false
        }
        #expect(count == 1)
    }
}
