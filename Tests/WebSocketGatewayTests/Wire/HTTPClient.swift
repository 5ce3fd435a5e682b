import HTTP
import Sessions

/// One HTTP connection, blocking. Touched by one thread at a time.
final class HTTPClient: @unchecked Sendable {
    let raw: RawClient
    private var parser = ResponseParser()
    private var input: [UInt8] = []
    private var position = 0

    private func element() throws(HTTPViolation) -> ResponseElement? {
        let input = input
        return try parser.next(input.span, at: &position)
    }

    init?(port: UInt16, timeoutSeconds: Int = 120) {
        guard let raw = RawClient(port: port, timeoutSeconds: timeoutSeconds) else { return nil }
        self.raw = raw
    }

    struct Answer: Sendable {
        let status: UInt16
        let body: [UInt8]
        var json: JSON { (try? JSON.parse(body.span)) ?? .null }
        var errorCode: String? { json["error"]?["code"]?.stringValue }
    }

    func send(_ method: String, _ target: String, _ body: String = "", headers: [(String, String)] = []) {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n"
        if !body.isEmpty { text += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        raw.send(Array((text + "\r\n" + body).utf8))
    }

    /// The next answer; nil when the connection ends before it or nothing comes in time.
    func receive() -> Answer? {
        var status: UInt16?
        while true {
            do throws(HTTPViolation) {
                while let element = try element() {
                    switch element {
                    case .head(let head):
                        status = head.status
                        if !head.hasBody { return Answer(status: head.status, body: []) }
                    case .body(let body): return Answer(status: status ?? 0, body: body)
                    }
                }
            } catch { return nil }
            guard let bytes = raw.receive(), !bytes.isEmpty else { return nil }
            (input, position) = (bytes, 0)
        }
    }

    /// What stands behind the last answer: after a 101, frames.
    var rest: [UInt8] { Array(input[position...]) }

    func call(_ method: String, _ target: String, _ body: String = "", headers: [(String, String)] = []) -> Answer? {
        send(method, target, body, headers: headers)
        return receive()
    }

    func close() { raw.close() }
}
