/// One line of standard input, counted from 1 as editors do.
struct NumberedLine: Equatable {
    let number: Int
    let bytes: [UInt8]
}

/// Cuts chunks into lines. A line that goes on is kept; blank ones are counted and left out.
struct LineSplitter {
    struct LineTooLong: Error, Equatable {
        let number: Int
    }

    /// Far beyond what any gateway takes as one event; a stream without line breaks should not fill the memory.
    static let lineBytesMax = 16_777_216

    private let bytesMax: Int
    private var partial: [UInt8] = []
    private var completed = 0

    init(bytesMax: Int = lineBytesMax) { self.bytesMax = bytesMax }

    mutating func receive(_ chunk: [UInt8]) throws(LineTooLong) -> [NumberedLine] {
        var lines: [NumberedLine] = []
        var start = 0
        while let end = chunk[start...].firstIndex(of: UInt8(ascii: "\n")) {
            partial.append(contentsOf: chunk[start..<end])
            if let line = try take() { lines.append(line) }
            start = end + 1
        }
        partial.append(contentsOf: chunk[start...])
        guard partial.count <= bytesMax else { throw LineTooLong(number: completed + 1) }
        return lines
    }

    /// The last line, when it has no line break.
    mutating func finish() throws(LineTooLong) -> NumberedLine? { try take() }

    private mutating func take() throws(LineTooLong) -> NumberedLine? {
        completed += 1
        let bytes = partial
        partial = []
        guard bytes.count <= bytesMax else { throw LineTooLong(number: completed) }
        let isBlank = bytes.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") }
        return isBlank ? nil : NumberedLine(number: completed, bytes: bytes)
    }
}
