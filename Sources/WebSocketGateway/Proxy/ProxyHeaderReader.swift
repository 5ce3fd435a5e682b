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
    /// It does not begin as one. So do the bytes of a proxy that sends none.
    case signature
    /// Another than 2. So is 1, which is text.
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
    /// How a header of version 1 begins (section 2.1).
    private static let versionOne = Array("PROXY ".utf8)

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
    /// What it must begin with, by its first byte.
    private var beginning = signature
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
            if received == 0, piece[index] == Self.versionOne[0] { beginning = Self.versionOne }
            guard received >= beginning.count || piece[index] == beginning[received] else { throw .signature }
            guard received + 1 < beginning.count || beginning.count == Self.signature.count else { throw .version }
            if received < Self.fixedBytes + content.addressBytes { kept.append(piece[index]) }
            received += 1
        }
        if received == Self.fixedBytes, length == Self.fixedBytes { try readFixedPart() }
        return received == length ? header : nil
    }

    /// What is wrong with a connection whose first bytes are no request; nil where they do not begin as a PROXY header of version 1 or 2.
    static func explanation(ofFirst bytes: Span<UInt8>) -> String? {
        let texts = ["TCP4 ", "TCP6 ", "UNKNOWN"].map { versionOne + Array($0.utf8) }
        guard ([signature] + texts).contains(where: { begins(bytes, with: $0) }) else { return nil }
        return
            "a PROXY header, and none is read here: this peer is not in trusted-proxies, proxy-protocol is off, or it has sent one already;"
            + " the control listener reads none"
    }

    private static func begins(_ bytes: Span<UInt8>, with beginning: [UInt8]) -> Bool {
        guard bytes.count >= beginning.count else { return false }
        for (index, byte) in beginning.enumerated() where bytes[index] != byte { return false }
        return true
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
