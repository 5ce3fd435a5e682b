internal import HTTP
internal import Sessions
internal import WebSocket

/// The answer to a publish that was published: one is made for each, so its bytes are counted and then written in one piece.
struct PublishAnswer {
    let receipt: PublishReceipt
    /// The body held several events.
    let isBatch: Bool
    /// The events have their ids, and are not yet delivered.
    let isEarly: Bool

    /// Everybody took it at once: three numbers are 0.
    private var isUniform: Bool { receipt.queued | receipt.conflated | receipt.dropped == 0 }

    private static let id: StaticString = "\"id\":\""
    private static let sequence: StaticString = "\",\"sequence\":"
    private static let firstID: StaticString = "\"first_id\":\""
    private static let lastID: StaticString = "\",\"last_id\":\""
    private static let count: StaticString = "\",\"count\":"
    private static let connections: StaticString = ",\"connections\":"
    private static let sent: StaticString = ",\"sent\":"
    private static let queued: StaticString = ",\"queued\":"
    private static let conflated: StaticString = ",\"conflated\":"
    private static let dropped: StaticString = ",\"dropped\":"
    private static let uniform: StaticString = ",\"queued\":0,\"conflated\":0,\"dropped\":0}"

    /// What ``append(to:keepAlive:date:)`` writes at the most, without the date.
    static let bytesMax = 391

    /// The whole answer by HTTP. `date` is a whole header line.
    func append(to output: inout [UInt8], keepAlive: Bool, date: [UInt8]) {
        ByteWriter.append(atMost: Self.bytesMax + date.count, to: &output) { writer in
            writer.write(ascii: "HTTP/1.1 200 OK\r\n")
            writer.write(copying: date.span)
            if keepAlive {
                writer.write(ascii: "Content-Type: application/json\r\nContent-Length: ")
            } else {
                writer.write(ascii: "Content-Type: application/json\r\nConnection: close\r\nContent-Length: ")
            }
            writer.write(decimal: UInt64(1 + membersBytes))
            writer.write(ascii: "\r\n\r\n{")
            write(to: &writer)
        }
    }

    /// As a frame on an engine's link; `ref` is the publish's, as it was written.
    func encodedForLink(ref: [UInt8]?) -> [UInt8] {
        let op: StaticString = "{\"op\":\"published\","
        let name: StaticString = "\"ref\":"
        let length = op.utf8CodeUnitCount + (ref.map { name.utf8CodeUnitCount + $0.count + 1 } ?? 0) + membersBytes
        return ByteWriter.compose(FrameEncoder.headerLength(payloadLength: length) + length) { writer in
            FrameEncoder.forEachHeaderByte(.text, payloadLength: length) { writer.write($0) }
            writer.write(ascii: op)
            if let ref {
                writer.write(ascii: name)
                writer.write(copying: ref.span)
                writer.write(UInt8(ascii: ","))
            }
            write(to: &writer)
        }
    }

    /// Of what ``write(to:)`` writes: the members, and the brace that ends them.
    private var membersBytes: Int {
        var count = 0
        if isBatch {
            count += Self.bytes(Self.firstID) + receipt.firstID.encodedLength + Self.bytes(Self.lastID) + receipt.lastID.encodedLength
            count += Self.bytes(Self.count, receipt.count)
        } else {
            count += Self.bytes(Self.id) + receipt.firstID.encodedLength
            count += Self.bytes(Self.sequence) + ASCII.decimalDigits(receipt.firstID.sequence)
        }
        guard !isEarly else { return count + 1 }
        count += Self.bytes(Self.connections, receipt.connections) + Self.bytes(Self.sent, receipt.sent)
        guard !isUniform else { return count + Self.bytes(Self.uniform) }
        count += Self.bytes(Self.queued, receipt.queued) + Self.bytes(Self.conflated, receipt.conflated)
        return count + Self.bytes(Self.dropped, receipt.dropped) + 1
    }

    @inline(__always)
    private static func bytes(_ text: StaticString, _ number: Int) -> Int { bytes(text) + ASCII.decimalDigits(UInt64(number)) }

    @inline(__always)
    private static func bytes(_ text: StaticString) -> Int { text.utf8CodeUnitCount }

    private func write(to writer: inout ByteWriter) {
        if isBatch {
            writer.write(ascii: Self.firstID)
            receipt.firstID.write(to: &writer)
            writer.write(ascii: Self.lastID)
            receipt.lastID.write(to: &writer)
            writer.write(ascii: Self.count)
            writer.write(decimal: UInt64(receipt.count))
        } else {
            writer.write(ascii: Self.id)
            receipt.firstID.write(to: &writer)
            writer.write(ascii: Self.sequence)
            writer.write(decimal: receipt.firstID.sequence)
        }
        guard !isEarly else { return writer.write(UInt8(ascii: "}")) }
        writer.write(ascii: Self.connections)
        writer.write(decimal: UInt64(receipt.connections))
        writer.write(ascii: Self.sent)
        writer.write(decimal: UInt64(receipt.sent))
        guard !isUniform else { return writer.write(ascii: Self.uniform) }
        writer.write(ascii: Self.queued)
        writer.write(decimal: UInt64(receipt.queued))
        writer.write(ascii: Self.conflated)
        writer.write(decimal: UInt64(receipt.conflated))
        writer.write(ascii: Self.dropped)
        writer.write(decimal: UInt64(receipt.dropped))
        writer.write(UInt8(ascii: "}"))
    }
}
