internal import Sessions

/// The text of Server-Sent Events (HTML Standard, §9.2): an event is lines of fields, and an empty line ends it. Pure: bytes in, bytes out.
///
/// Flow: Frame, OwnMessages → **EventStream** → sockets
enum EventStream {
    /// One event. `data` may hold line breaks, which JSON allows between its tokens: each of its lines is a field of its own, and what the client
    /// joins them with is LF. Without an id the client keeps the one it has.
    static func event(id: EventID? = nil, data: Span<UInt8>) -> [UInt8] {
        let (lines, breakBytes) = measure(data)
        let length = idLength(id) + lines * fieldLength + data.count - breakBytes + 1
        return ByteWriter.compose(length) { writer in
            write(id, to: &writer)
            var start = 0
            if lines > 1 {
                for index in data.indices where isBreak(data, at: index) {
                    write(line: data.extracting(start..<index), to: &writer)
                    start = index + (isPair(data, at: index) ? 2 : 1)
                }
            }
            write(line: data.extracting(start...), to: &writer)
            writer.write(lineFeed)
        }
    }

    /// One event whose data is one line of `length` bytes, which `body` writes.
    static func appendEvent(id: EventID? = nil, ofLength length: Int, to bytes: inout [UInt8], _ body: (inout ByteWriter) -> Void) {
        ByteWriter.append(idLength(id) + fieldLength + length + 1, to: &bytes) { writer in
            write(id, to: &writer)
            writer.write(ascii: "data: ")
            body(&writer)
            writer.write(ascii: "\n\n")
        }
    }

    /// When a client whose stream has ended comes back. No event: a field that counts as soon as it is read.
    static func retry(milliseconds: Int) -> [UInt8] { Array("retry: \(milliseconds)\n\n".utf8) }

    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")
    /// `data: ` and the end of the line.
    private static let fieldLength = 7

    /// `id: ` and the end of the line. An id of ours holds neither a line break nor a NUL, for which a client would ignore it.
    private static func idLength(_ id: EventID?) -> Int { id.map { 5 + $0.encodedLength } ?? 0 }

    private static func write(_ id: EventID?, to writer: inout ByteWriter) {
        guard let id else { return }
        writer.write(ascii: "id: ")
        id.write(to: &writer)
        writer.write(lineFeed)
    }

    /// The client takes one space away behind the colon: with one of ours it takes none of the line's.
    private static func write(line: Span<UInt8>, to writer: inout ByteWriter) {
        writer.write(ascii: "data: ")
        writer.write(copying: line)
        writer.write(lineFeed)
    }

    /// How many lines there are, and how many bytes the breaks between them have: CRLF, LF, or CR.
    private static func measure(_ data: Span<UInt8>) -> (lines: Int, breakBytes: Int) {
        var (lines, breakBytes) = (1, 0)
        for index in data.indices where data[index] == lineFeed || data[index] == carriageReturn {
            breakBytes += 1
            if isBreak(data, at: index) { lines += 1 }
        }
        return (lines, breakBytes)
    }

    /// A line break begins there: the LF of a CRLF does not.
    private static func isBreak(_ data: Span<UInt8>, at index: Int) -> Bool {
        data[index] == carriageReturn || data[index] == lineFeed && !(index > 0 && data[index - 1] == carriageReturn)
    }

    private static func isPair(_ data: Span<UInt8>, at index: Int) -> Bool {
        data[index] == carriageReturn && index + 1 < data.count && data[index + 1] == lineFeed
    }
}
