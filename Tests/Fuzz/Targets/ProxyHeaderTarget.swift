import EventLoop

@testable import WebSocketGateway

/// Input: what a listed proxy sends first.
enum ProxyHeaderTarget: FuzzTarget {
    static let name = "proxy_header"

    private enum Reading: Equatable {
        case incomplete
        case header(ProxyHeader, bytes: Int)
        case fault(ProxyHeaderFault)
    }

    static func run(_ input: [UInt8]) {
        let whole = read(input, [input.indices.lowerBound..<input.count])
        for way in Pieces.ways(input) { requireEqual(read(input, way), whole, "a header reads the same however it is split") }
        guard case .header(let header, let bytes) = whole else { return }
        // By the field's own word, and by another way through the bytes.
        requireEqual(bytes, 16 + Int(input[14]) * 256 + Int(input[15]), "a header is as long as it says")
        require(bytes <= 16 + 4096 && input[12] & 0xf0 == 0x20, "a header is within its bounds, and of version 2")
        let expected: ProxyHeader =
            switch (input[12], input[13]) {
            case (0x21, 0x11): .forwarded(address(input[16..<20].map { String($0) }.joined(separator: "."), input[24], input[25]))
            case (0x21, 0x21):
                .forwarded(
                    address(
                        stride(from: 16, to: 32, by: 2).map { String(UInt16(input[$0]) << 8 | UInt16(input[$0 + 1]), radix: 16) }
                            .joined(separator: ":"), input[48], input[49]))
            default: .own
            }
        requireEqual(header, expected, "an address is the one that is written there")
    }

    private static func address(_ host: String, _ high: UInt8, _ low: UInt8) -> SocketAddress {
        guard let address = SocketAddress(host: host, port: UInt16(high) << 8 | UInt16(low)) else { fatalError("\(host) is an address") }
        return address
    }

    /// Pieces that are longer than is asked for are cut to that.
    private static func read(_ input: [UInt8], _ pieces: [Range<Int>]) -> Reading {
        var reader = ProxyHeaderReader()
        for piece in pieces {
            var position = piece.lowerBound
            while position < piece.upperBound {
                let wanted = reader.bytesWanted
                require(wanted > 0 && wanted <= 4096, "an unfinished header wants something, and not without bound")
                let end = min(piece.upperBound, position + wanted)
                do throws(ProxyHeaderFault) {
                    if let header = try reader.receive(input.span.extracting(position..<end)) { return .header(header, bytes: end) }
                } catch {
                    return .fault(error)
                }
                position = end
            }
        }
        return .incomplete
    }
}
