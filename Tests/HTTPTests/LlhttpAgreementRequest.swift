/// A request in its parts, so that a mutation changes one thing and leaves the rest as it was. Text is Latin-1: a scalar is a byte.
struct RequestDraft {
    struct Field {
        var name: String
        var colon = ": "
        var value: String
        var end = "\r\n"
    }

    struct Chunk {
        var size: String
        var sizeEnd = "\r\n"
        /// Of the last chunk: the trailers.
        var data: String
        var end = "\r\n"

        init(of data: String) {
            size = String(data.unicodeScalars.count, radix: 16)
            self.data = data
        }

        static let last = Chunk(of: "")
    }

    enum Content {
        case plain(String)
        case chunked([Chunk])
    }

    var before = ""
    var method: String
    var methodEnd = " "
    var target: String
    var targetEnd = " "
    var version = "HTTP/1.1"
    var end = "\r\n"
    var fields: [Field]
    var headEnd = "\r\n"
    var content = Content.plain("")
    /// What follows the request on the wire, as frames follow an upgrade.
    var after = ""

    init(_ method: String, _ target: String, _ fields: [(String, String)]) {
        self.method = method
        self.target = target
        self.fields = fields.map { Field(name: $0.0, value: $0.1) }
    }

    var text: String {
        var text = before + method + methodEnd + target + targetEnd + version + end
        for field in fields { text += field.name + field.colon + field.value + field.end }
        text += headEnd
        switch content {
        case .plain(let data): text += data
        case .chunked(let chunks): for chunk in chunks { text += chunk.size + chunk.sizeEnd + chunk.data + chunk.end }
        }
        return text + after
    }

    func indices(of name: String) -> [Int] {
        fields.indices.filter { fields[$0].name.lowercased() == name }
    }
}

extension String {
    /// A byte for each scalar.
    var latin1: [UInt8] { unicodeScalars.map { UInt8($0.value) } }

    /// Stays Latin-1, which `uppercased()` does not.
    var uppercasedASCII: String { String(latin1: latin1.map { (97...122).contains($0) ? $0 - 32 : $0 }) }

    init(latin1 bytes: some Collection<UInt8>) {
        if bytes.allSatisfy({ $0 < 0x80 }) {
            self.init(decoding: bytes, as: UTF8.self)
        } else {
            self.init(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
        }
    }
}
