internal import EventLoop

/// Whose connection a proxy hands on.
enum ProxyHeader: Equatable {
    /// The client's address, as the proxy sees it.
    case forwarded(SocketAddress)
    /// The proxy's own (a health check), or one whose address says nothing here: the connection's own addresses count.
    case own
}

/// What is wrong with a header; its name stands in the log.
enum ProxyHeaderFault: String, Error, CaseIterable {
    /// It does not begin as one. So do the bytes of a proxy that sends none, or version 1, which is text.
    case signature
    case version
    case command
    case family
    /// Its length does not hold the addresses of its family.
    case short
    /// Its length is more than ``ProxyHeaderReader/restBytesMax``.
    case long
}

/// One header of the PROXY protocol, version 2 (haproxy.org, proxy-protocol.txt, section 2.2), in as many pieces as it comes. It is given no byte of
/// what stands behind the header: that is the client's.
///
/// Addresses are read, what follows them (TLVs) is passed over.
///
/// Flow: FirstBytes → **ProxyHeaderReader** → ProxyHeaderConnection
struct ProxyHeaderReader {
    /// Signature, version and command, family, length.
    static let fixedBytes = 16
    /// Addresses and TLVs. HAProxy and the balancers of the clouds send some hundred; a client's certificate in it takes 2 KiB.
    static let restBytesMax = 4096

    private static let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

    private enum Content {
        case own
        case ipv4
        case ipv6

        /// Source and destination, each with its port.
        var addressBytes: Int {
            switch self {
            case .own: 0
            case .ipv4: 12
            case .ipv6: 36
            }
        }
    }

    /// The fixed part and the addresses, as far as they are there.
    private var kept: [UInt8] = []
    private var content = Content.own
    private var received = 0
    /// Of the whole header, as far as that is known.
    private var length = fixedBytes

    /// How many bytes the next piece may have; 0 when the header is whole.
    var bytesWanted: Int { length - received }

    /// Takes a piece, and returns the header when that makes it whole.
    mutating func receive(_ piece: Span<UInt8>) throws(ProxyHeaderFault) -> ProxyHeader? {
        precondition(piece.count <= bytesWanted, "a byte behind the header is not the header's")
        for index in piece.indices {
            // At the first byte that is another: whoever sends something else is told at once.
            guard received >= Self.signature.count || piece[index] == Self.signature[received] else { throw .signature }
            if received < Self.fixedBytes + content.addressBytes { kept.append(piece[index]) }
            received += 1
        }
        if received == Self.fixedBytes, length == Self.fixedBytes { try readFixedPart() }
        return received == length ? header : nil
    }

    private mutating func readFixedPart() throws(ProxyHeaderFault) {
        guard kept[12] >> 4 == 2 else { throw .version }
        let rest = Int(kept[14]) << 8 | Int(kept[15])
        guard rest <= Self.restBytesMax else { throw .long }
        content = try Self.content(command: kept[12] & 15, family: kept[13])
        guard rest >= content.addressBytes else { throw .short }
        length = Self.fixedBytes + rest
    }

    private static func content(command: UInt8, family: UInt8) throws(ProxyHeaderFault) -> Content {
        switch (command, family) {
        // LOCAL: "discard the protocol block including the family which is ignored".
        case (0, _): .own
        case (1, 0x11): .ipv4
        case (1, 0x21): .ipv6
        // UNSPEC, and what no TCP listener has clients of (datagrams, Unix-domain sockets): to be taken as UNSPEC.
        case (1, 0x00), (1, 0x12), (1, 0x22), (1, 0x31), (1, 0x32): .own
        case (1, _): throw .family
        default: throw .command
        }
    }

    private var header: ProxyHeader {
        switch content {
        case .own: .own
        case .ipv4: .forwarded(SocketAddress(high: 0, low: 0xffff_0000_0000 | number(16..<20), port: port(at: 24)))
        case .ipv6: .forwarded(SocketAddress(high: number(16..<24), low: number(24..<32), port: port(at: 48)))
        }
    }

    private func number(_ range: Range<Int>) -> UInt64 { kept[range].reduce(0) { $0 << 8 | UInt64($1) } }
    private func port(at index: Int) -> UInt16 { UInt16(truncatingIfNeeded: number(index..<index + 2)) }
}
