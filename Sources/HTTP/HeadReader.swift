/// What one kind of message makes of its start line and fields.
protocol HeadRules {
    static var startLineTooLong: HTTPViolation { get }
    init(startLine: Range<Int>, of bytes: Span<UInt8>) throws(HTTPViolation)
    mutating func receive(_ line: FieldLine, of bytes: Span<UInt8>) throws(HTTPViolation)
}

/// Reads one message head, however its bytes are split, and judges every line as soon as it is whole.
///
/// A head that arrives in one piece is parsed where it lies and copied once; otherwise only what has been received of it is kept.
/// Flow: LineScanner → **HeadReader** → RequestParser, ResponseParser
struct HeadReader<Rules: HeadRules> {
    private let limits: HTTPLimits
    /// What is known of the head being read, or that could not be read; nil before its start line is whole.
    private(set) var rules: Rules?
    /// Where the fields begin, once there are rules.
    private var fieldsStart = 0
    private var scanner = LineScanner()
    private var lines: [FieldLine] = []
    private var received: [UInt8] = []

    init(limits: HTTPLimits) {
        limits.check()
        self.limits = limits
    }

    /// No byte of a head was received.
    var isIdle: Bool { received.isEmpty }

    /// The next head; nil when `input` is consumed before its end. Throws with `position` behind what was judged fine.
    mutating func next(
        _ input: Span<UInt8>, at position: inout Int
    ) throws(HTTPViolation) -> (rules: Rules, fields: FieldSection)? {
        if received.isEmpty {
            let rest = input.extracting(position..<input.count)
            if rest.isEmpty { return nil }
            guard let head = try scan(rest, keeping: 0, at: &position) else {
                received = [UInt8](copying: rest)
                position = input.count
                return nil
            }
            position += head.byteCount
            return (head.rules, takeFields([UInt8](copying: rest.extracting(first: head.byteCount))))
        }

        // Within this many bytes a head is complete or over a limit, so no more than this is ever kept.
        let before = received.count
        let added = min(input.count - position, limits.headBytesMax + 1 - before)
        received.append(copying: input.extracting(position..<position + added))
        // Moved out for the while, so that the scan may change self.
        let bytes = received
        received = []
        guard let head = try scan(bytes.span, keeping: before, at: &position) else {
            received = bytes
            position += added
            return nil
        }
        position += head.byteCount - before
        return (head.rules, takeFields([UInt8](bytes[..<head.byteCount])))
    }

    private mutating func takeFields(_ bytes: [UInt8]) -> FieldSection {
        scanner = LineScanner()
        rules = nil
        var taken: [FieldLine] = []
        swap(&taken, &lines)
        return FieldSection(bytes: bytes, lines: taken)
    }

    /// `keeping` bytes of the head came before `position`.
    private mutating func scan(
        _ bytes: Span<UInt8>, keeping before: Int, at position: inout Int
    ) throws(HTTPViolation) -> (rules: Rules, byteCount: Int)? {
        do throws(HTTPViolation) {
            return try scan(bytes)
        } catch {
            position += max(0, scanner.scanned - before)
            throw error
        }
    }

    /// Goes on where the last scan stopped; `bytes` starts with the head.
    private mutating func scan(_ bytes: Span<UInt8>) throws(HTTPViolation) -> (rules: Rules, byteCount: Int)? {
        while true {
            if rules == nil {
                guard let line = try scanner.next(in: bytes, lengthMax: limits.requestLineBytesMax, tooLong: Rules.startLineTooLong)
                else { return nil }
                // RFC 9112 §2.2 would skip an empty line for old clients' sake; ours are not old.
                if line.isEmpty { throw .startLineEmpty }
                rules = try Rules(startLine: line, of: bytes)
                fieldsStart = scanner.lineStart
                lines.reserveCapacity(16)
            }
            let (lengthMax, tooLong) = lineLimit(headersBytes: scanner.lineStart - fieldsStart)
            guard let line = try scanner.next(in: bytes, lengthMax: lengthMax, tooLong: tooLong) else { return nil }
            guard !line.isEmpty else { return rules.map { ($0, scanner.lineStart) } }
            let field = try FieldLine(line, of: bytes)
            try rules?.receive(field, of: bytes)
            lines.append(field)
        }
    }

    /// How long the next header line may be, and which limit says so. The empty line is within any limit.
    @inline(__always)
    private func lineLimit(headersBytes: Int) -> (lengthMax: Int, tooLong: HTTPViolation) {
        if lines.count >= limits.headerFieldsMax { return (0, .headerFieldsTooMany) }
        let room = max(0, limits.headersBytesMax - headersBytes - 2)
        return room < limits.headerLineBytesMax ? (room, .headersTooLarge) : (limits.headerLineBytesMax, .headerLineTooLong)
    }
}
