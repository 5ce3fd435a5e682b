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

    private var counts: [5 of Int] { [receipt.connections, receipt.sent, receipt.queued, receipt.conflated, receipt.dropped] }
    private static let names: [5 of StaticString] = [
        ",\"connections\":", ",\"sent\":", ",\"queued\":", ",\"conflated\":", ",\"dropped\":",
    ]

    /// What ``append(to:keepAlive:date:)`` writes at the most, without the date.
    static let bytesMax = 391

    /// The whole answer by HTTP. `date` is a whole header line.
    func append(to output: inout [UInt8], keepAlive: Bool, date: [UInt8]) {
        ByteWriter.append(atMost: Self.bytesMax + date.count, to: &output) { writer in
            writer.write(ascii: "HTTP/1.1 200 OK\r\n")
            writer.write(copying: date.span)
            writer.write(ascii: "Content-Type: application/json\r\n")
            if !keepAlive { writer.write(ascii: "Connection: close\r\n") }
            writer.write(ascii: "Content-Length: ")
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

    private static let single: [2 of StaticString] = ["\"id\":\"", "\",\"sequence\":"]
    private static let batch: [3 of StaticString] = ["\"first_id\":\"", "\",\"last_id\":\"", "\",\"count\":"]

    /// Of what ``write(to:)`` writes: the members, and the brace that ends them.
    private var membersBytes: Int {
        var count = 1
        if isBatch {
            for index in 0..<3 { count += Self.batch[index].utf8CodeUnitCount }
            count += receipt.firstID.encodedLength + receipt.lastID.encodedLength + ASCII.decimalDigits(UInt64(receipt.count))
        } else {
            for index in 0..<2 { count += Self.single[index].utf8CodeUnitCount }
            count += receipt.firstID.encodedLength + ASCII.decimalDigits(receipt.firstID.sequence)
        }
        guard !isEarly else { return count }
        for index in 0..<5 { count += Self.names[index].utf8CodeUnitCount + ASCII.decimalDigits(UInt64(counts[index])) }
        return count
    }

    private func write(to writer: inout ByteWriter) {
        if isBatch {
            writer.write(ascii: Self.batch[0])
            receipt.firstID.write(to: &writer)
            writer.write(ascii: Self.batch[1])
            receipt.lastID.write(to: &writer)
            writer.write(ascii: Self.batch[2])
            writer.write(decimal: UInt64(receipt.count))
        } else {
            writer.write(ascii: Self.single[0])
            receipt.firstID.write(to: &writer)
            writer.write(ascii: Self.single[1])
            writer.write(decimal: receipt.firstID.sequence)
        }
        if !isEarly {
            for index in 0..<5 {
                writer.write(ascii: Self.names[index])
                writer.write(decimal: UInt64(counts[index]))
            }
        }
        writer.write(UInt8(ascii: "}"))
    }
}
