internal import Sessions

extension Event {
    /// The event as an engine would post it: the Swift API and the HTTP API then share every check and every line behind it.
    var publishBody: [UInt8] {
        var body: [UInt8] = Array("{\"type\":".utf8)
        JSONText.appendQuoted(type.rawValue, to: &body)
        body.append(contentsOf: ",\"data\":".utf8)
        body.append(contentsOf: data)
        for (name, value) in [("timestamp", timestamp), ("key", key)] {
            guard let value else { continue }
            body.append(contentsOf: ",\"\(name)\":".utf8)
            JSONText.appendQuoted(value, to: &body)
        }
        body.append(UInt8(ascii: "}"))
        return body
    }
}
