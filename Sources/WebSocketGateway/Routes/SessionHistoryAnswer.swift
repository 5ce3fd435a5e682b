internal import Sessions

/// What `GET /v1/sessions/{id}/events` answers: a page of the history, byte for byte as clients got it.
struct SessionHistoryAnswer: Sendable {
    /// Events of one answer, in bytes; the next page is asked for with its `next`.
    static let bytesMax = 4_194_304

    let page: HistoryPage?
    let lastID: EventID?
    let oldestID: EventID?
    /// Nil where no event was named to begin behind.
    let resume: ResumeAnswer?

    /// {"events":[…],"last_id","oldest_id","recovered","next"}
    var body: [UInt8] {
        let frames = page?.frames ?? []
        var body: [UInt8] = []
        body.reserveCapacity(256 + frames.reduce(0) { $0 + $1.payloadBytes + 1 })
        body.append(ascii: "{\"events\":[")
        for (i, frame) in frames.enumerated() {
            if i > 0 { body.append(ascii: ",") }
            body.append(contentsOf: frame.bytes[Int(frame.payloadStart)...])
        }
        body.append(ascii: "],\"last_id\":")
        append(lastID, to: &body)
        body.append(ascii: ",\"oldest_id\":")
        append(oldestID, to: &body)
        body.append(ascii: ",\"recovered\":")
        body.append(text: resume.map { "\($0.recovered)" } ?? "null")
        body.append(ascii: ",\"next\":")
        append(page.flatMap { $0.isHead ? nil : $0.frames.last?.id }, to: &body)
        body.append(ascii: "}")
        return body
    }

    private func append(_ id: EventID?, to body: inout [UInt8]) {
        guard let id else { return body.append(ascii: "null") }
        body.append(ascii: "\"")
        id.append(to: &body)
        body.append(ascii: "\"")
    }
}
