import Sessions

/// One request's worth of lines.
struct PublishBatch {
    /// Half of what the gateway takes as one body by default.
    static let bytesMax = 524_288

    let lines: ArraySlice<NumberedLine>

    /// As many lines from the front as a request may have; at least one.
    init(_ waiting: ArraySlice<NumberedLine>, linesMax: Int) {
        var bytes = 0
        var end = waiting.startIndex
        while end < waiting.endIndex, end - waiting.startIndex < linesMax {
            bytes += waiting[end].bytes.count + 1
            if bytes > Self.bytesMax, end > waiting.startIndex { break }
            end += 1
        }
        lines = waiting[..<end]
    }

    var contentType: StaticString { lines.count == 1 ? "application/json" : "application/x-ndjson" }

    var body: [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(lines.reduce(0) { $0 + $1.bytes.count + 1 })
        for line in lines {
            if !body.isEmpty { body.append(UInt8(ascii: "\n")) }
            body.append(contentsOf: line.bytes)
        }
        return body
    }

    /// `line 7` or `lines 5 to 8`, as in the input.
    var name: String {
        let (first, last) = (lines.first?.number ?? 0, lines.last?.number ?? 0)
        return first == last ? "line \(first)" : "lines \(first) to \(last)"
    }

    /// The input's line that a refusal's place (`line 3: data.price`) means; nil when it names none.
    func line(at place: String?) -> Int? {
        guard lines.count > 1 else { return lines.first?.number }
        guard let place, place.hasPrefix("line ") else { return nil }
        guard let number = Int(place.dropFirst(5).prefix { $0.isNumber }), (1...lines.count).contains(number) else { return nil }
        return lines[lines.startIndex + number - 1].number
    }
}
