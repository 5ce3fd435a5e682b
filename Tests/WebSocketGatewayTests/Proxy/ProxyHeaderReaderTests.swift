import EventLoop
import Testing

@testable import WebSocketGateway

@Suite("PROXY headers")
struct ProxyHeaderReaderTests {
    private static let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
    private static let ipv4: [UInt8] = [203, 0, 113, 7, 10, 0, 0, 1, 0x15, 0xb3, 0x00, 0x50]
    private static let ipv6: [UInt8] =
        [0x20, 0x01, 0x0d, 0xb8] + Array(repeating: 0, count: 11) + [9] + [0x20, 0x01, 0x0d, 0xb8] + Array(repeating: 0, count: 11) + [1]
        + [0xff, 0xff, 0x01, 0xbb]
    private static let mapped: [UInt8] =
        Array(repeating: 0, count: 10) + [0xff, 0xff, 203, 0, 113, 7] + Array(repeating: 0, count: 15) + [1, 0x15, 0xb3, 0x00, 0x50]

    private static func header(_ command: UInt8, _ family: UInt8, _ rest: [UInt8] = [], length: Int? = nil) -> [UInt8] {
        let length = length ?? rest.count
        return signature + [command, family, UInt8(length >> 8), UInt8(length & 0xff)] + rest
    }

    private static func tlv(_ count: Int) -> [UInt8] {
        [0x04, UInt8(count >> 8), UInt8(count & 0xff)] + Array(repeating: 0xab, count: count)
    }

    /// In pieces of so many bytes at the most, none longer than is asked for.
    private static func read(_ bytes: [UInt8], pieces: Int = .max) throws(ProxyHeaderFault) -> (header: ProxyHeader?, used: Int) {
        var reader = ProxyHeaderReader()
        var position = 0
        while position < bytes.count, reader.bytesWanted > 0 {
            let end = min(bytes.count, position + min(pieces, reader.bytesWanted))
            let header = try reader.receive(bytes.span.extracting(position..<end))
            position = end
            if let header { return (header, position) }
        }
        return (nil, position)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        /// Nil: the connection's own addresses count.
        var client: String?
    }

    private static let rows = [
        Row(testDescription: "TCP over IPv4", bytes: header(0x21, 0x11, ipv4), client: "203.0.113.7:5555"),
        Row(testDescription: "TCP over IPv6", bytes: header(0x21, 0x21, ipv6), client: "[2001:db8::9]:65535"),
        Row(testDescription: "IPv4 in IPv6's clothes", bytes: header(0x21, 0x21, mapped), client: "203.0.113.7:5555"),
        Row(testDescription: "with TLVs", bytes: header(0x21, 0x11, ipv4 + tlv(5) + tlv(0)), client: "203.0.113.7:5555"),
        Row(testDescription: "with what is no TLV", bytes: header(0x21, 0x21, ipv6 + [0xff]), client: "[2001:db8::9]:65535"),
        Row(testDescription: "as long as it may be", bytes: header(0x21, 0x11, ipv4 + tlv(4096 - 15)), client: "203.0.113.7:5555"),
        Row(testDescription: "LOCAL", bytes: header(0x20, 0x00)),
        Row(testDescription: "LOCAL with addresses", bytes: header(0x20, 0x11, ipv4)),
        Row(testDescription: "LOCAL of any family", bytes: header(0x20, 0xff, [1, 2, 3])),
        Row(testDescription: "LOCAL as long as it may be", bytes: header(0x20, 0x00, Array(repeating: 0, count: 4096))),
        Row(testDescription: "UNSPEC", bytes: header(0x21, 0x00)),
        Row(testDescription: "UNSPEC with something", bytes: header(0x21, 0x00, ipv4)),
        Row(testDescription: "datagrams over IPv4", bytes: header(0x21, 0x12, ipv4)),
        Row(testDescription: "datagrams over IPv6", bytes: header(0x21, 0x22, ipv6)),
        Row(testDescription: "a Unix-domain stream", bytes: header(0x21, 0x31, Array(repeating: 0x2f, count: 216))),
        Row(testDescription: "Unix-domain datagrams", bytes: header(0x21, 0x32, Array(repeating: 0x2f, count: 216))),
    ]

    @Test(arguments: rows)
    func `a header tells whose the connection is, and takes nothing behind it`(row: Row) throws {
        let expected: ProxyHeader = row.client.map { .forwarded(SocketAddress(parsing: $0)!) } ?? .own
        for pieces in [Int.max, 1, 2, 7, 16, 17] {
            let (header, used) = try Self.read(row.bytes + Array("GET / HTTP/1.1\r\n".utf8), pieces: pieces)
            #expect(header == expected, "in pieces of \(pieces)")
            #expect(used == row.bytes.count)
        }
    }

    @Test(arguments: rows)
    func `a header that is cut short anywhere is none yet`(row: Row) throws {
        for count in 0..<row.bytes.count {
            let (header, used) = try Self.read(Array(row.bytes[..<count]))
            #expect(header == nil && used == count)
        }
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        let fault: ProxyHeaderFault
        /// How many bytes are looked at.
        var after = 16
    }

    @Test(arguments: [
        Bad(testDescription: "HTTP", bytes: Array("GET / HTTP/1.1\r\n".utf8), fault: .signature, after: 1),
        Bad(testDescription: "version 1", bytes: Array("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n".utf8), fault: .version, after: 6),
        Bad(testDescription: "POST", bytes: Array("POST / HTTP/1.1\r\n".utf8), fault: .signature, after: 2),
        Bad(testDescription: "another word", bytes: Array("PROXYTCP4 192.0.2.1\r\n".utf8), fault: .signature, after: 6),
        Bad(testDescription: "TLS", bytes: [22, 3, 1, 2, 0], fault: .signature, after: 1),
        Bad(testDescription: "an empty line", bytes: Array("\r\nGET".utf8), fault: .signature, after: 3),
        Bad(testDescription: "the signature but its last", bytes: signature.dropLast() + [0x0b], fault: .signature, after: 12),
        Bad(testDescription: "version 0", bytes: header(0x01, 0x11, ipv4), fault: .version),
        Bad(testDescription: "version 1 in binary", bytes: header(0x11, 0x11, ipv4), fault: .version),
        Bad(testDescription: "version 3", bytes: header(0x31, 0x11, ipv4), fault: .version),
        Bad(testDescription: "command 2", bytes: header(0x22, 0x11, ipv4), fault: .command),
        Bad(testDescription: "command 15", bytes: header(0x2f, 0x00), fault: .command),
        Bad(testDescription: "family 4", bytes: header(0x21, 0x41, ipv4), fault: .family),
        Bad(testDescription: "transport 3", bytes: header(0x21, 0x13, ipv4), fault: .family),
        Bad(testDescription: "a family without transport", bytes: header(0x21, 0x10, ipv4), fault: .family),
        Bad(testDescription: "a transport without family", bytes: header(0x21, 0x01, ipv4), fault: .family),
        Bad(testDescription: "IPv4 without addresses", bytes: header(0x21, 0x11), fault: .short),
        Bad(testDescription: "IPv4, a byte short", bytes: header(0x21, 0x11, Array(ipv4.dropLast())), fault: .short),
        Bad(testDescription: "IPv6 with IPv4's addresses", bytes: header(0x21, 0x21, ipv4), fault: .short),
        Bad(testDescription: "IPv6, a byte short", bytes: header(0x21, 0x21, Array(ipv6.dropLast())), fault: .short),
        Bad(testDescription: "a byte longer than it may be", bytes: header(0x21, 0x11, length: 4097), fault: .long),
        Bad(testDescription: "as long as can be said", bytes: header(0x20, 0x00, length: 65_535), fault: .long),
    ])
    func `anything else is refused, at the first byte that tells`(bad: Bad) throws {
        for pieces in [Int.max, 1, 5] {
            #expect(throws: bad.fault, "in pieces of \(pieces)") { try Self.read(bad.bytes, pieces: pieces) }
        }
        let (header, _) = try Self.read(Array(bad.bytes[..<(bad.after - 1)]))
        #expect(header == nil, "not before it")
        #expect(throws: bad.fault) { try Self.read(Array(bad.bytes[..<bad.after])) }
    }

    @Test func `no more is wanted than the header has`() throws {
        var reader = ProxyHeaderReader()
        #expect(reader.bytesWanted == 16)
        let bytes = Self.header(0x21, 0x11, Self.ipv4 + Self.tlv(100))
        #expect(try reader.receive(bytes.span.extracting(..<10)) == nil)
        #expect(reader.bytesWanted == 6)
        #expect(try reader.receive(bytes.span.extracting(10..<16)) == nil)
        #expect(reader.bytesWanted == 115)
        #expect(try reader.receive(bytes.span.extracting(16...)) != nil)
        #expect(reader.bytesWanted == 0)
    }

    @Test(
        arguments: [
            (signature, true), (signature + [0x21, 0x11, 0, 12], true), (Array("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n".utf8), true),
            (Array("PROXY TCP6 ::1 ::2 1 2\r\n".utf8), true), (Array("PROXY UNKNOWN\r\n".utf8), true),
            ([], false), (signature.dropLast(), false), (Array("\r\n".utf8), false), (Array("\r\nGET / HTTP/1.1\r\n".utf8), false),
            (Array("PROXY / HTTP/1.1\r\n".utf8), false), (Array("PROXY ".utf8), false), ([0] + signature, false),
        ] as [([UInt8], Bool)])
    func `a header that nobody expects is told from other bytes`(_ bytes: [UInt8], _ isHeader: Bool) {
        let explanation = ProxyHeaderReader.explanation(ofFirst: bytes.span)
        #expect(explanation?.contains("trusted-proxies") == (isHeader ? true : nil))
    }
}
