import HTTP
import WebSocket

/// Input: the header lines of a request, after `GET` and Host; or, where it says so itself, a whole request.
enum HandshakeTarget: FuzzTarget {
    static let name = "handshake"
    private static let ours = ["wsg.v1", "chat"]

    static func run(_ input: [UInt8]) {
        let request = Array("GET /ws/backtest/bt-1 HTTP/1.1\r\nHost: a\r\n".utf8) + input + Array("\r\n\r\n".utf8)
        for request in [request, input] {
            var parser = RequestParser()
            var position = 0
            guard case .head(let head)? = try? parser.next(request.span, at: &position) else { continue }
            do throws(HandshakeRejection) {
                let acceptance = try Handshake.accept(head, subprotocols: ours, deflate: true)
                requireMayBeAccepted(head)
                requireAnswers(acceptance, head)
            } catch {
                requireAnswers(error)
            }
        }
    }

    /// RFC 6455 §4.2.1, read a second time.
    private static func requireMayBeAccepted(_ head: RequestHead) {
        require(head.method == .get && head.version == .http11, "a WebSocket is opened with GET and HTTP/1.1")
        require(names(head, "upgrade").contains("websocket"), "Upgrade names websocket")
        require(names(head, "connection").contains("upgrade"), "Connection names Upgrade")
        requireEqual(head.values("sec-websocket-version").map { Array($0.utf8) }, [Array("13".utf8)], "the version is 13, once")
        let keys = head.values("sec-websocket-key")
        require(keys.count == 1 && keys[0].utf8.count == 24 && keys[0].hasSuffix("=="), "the key is 24 characters, once")
    }

    /// The elements of a comma-separated list, in lower case.
    private static func names(_ head: RequestHead, _ field: StaticString) -> [String] {
        head.values(field).flatMap { $0.utf8.split(separator: UInt8(ascii: ",")) }.map { element in
            String(decoding: element.filter { $0 != 0x20 && $0 != 0x09 }, as: UTF8.self).lowercased()
        }
    }

    private static func requireAnswers(_ acceptance: Handshake.Acceptance, _ head: RequestHead) {
        var bytes: [UInt8] = []
        acceptance.appendResponse(to: &bytes)
        let answer = response(bytes, status: 101)
        requireEqual(answer.values("sec-websocket-accept"), [acceptance.acceptKey.description], "the answer proves the key")
        requireEqual(answer.values("sec-websocket-protocol"), acceptance.subprotocol.map { [$0] } ?? [], "the answer names the subprotocol")
        requireEqual(
            answer.values("sec-websocket-extensions"), acceptance.deflate.map { [$0.headerValue.description] } ?? [],
            "the answer names the extension")
        require(acceptance.deflate == nil || head.contains("sec-websocket-extensions"), "an extension was offered")
        if let subprotocol = acceptance.subprotocol {
            require(ours.contains(subprotocol), "a subprotocol is one of ours")
            let offers = head.values("sec-websocket-protocol").joined(separator: ",")
            require(offers.split(separator: ",").contains { $0.contains(subprotocol) }, "a subprotocol was offered")
        }
        require(answer.values("x").isEmpty && answer.values("set-cookie").isEmpty, "a client writes nothing into our answer")
    }

    private static func requireAnswers(_ rejection: HandshakeRejection) {
        guard let status = HTTPStatus.all.first(where: { $0.code == rejection.statusCode }) else {
            fatalError("broken rule: a rejection has a status, and \(rejection) has not")
        }
        let headers = rejection.headers.map { ($0.name, $0.value) }
        let answer = Response(status, headers: headers, body: Array(rejection.message.utf8), contentType: "text/plain")
        _ = response(answer.encoded(keepAlive: true), status: rejection.statusCode)
    }

    private static func response(_ bytes: [UInt8], status: UInt16) -> ResponseHead {
        var parser = ResponseParser()
        var position = 0
        guard case .head(let head)? = try? parser.next(bytes.span, at: &position) else {
            fatalError("broken rule: an answer is a response")
        }
        require(head.status == status, "an answer has its status")
        if head.hasBody, (try? parser.next(bytes.span, at: &position)) == nil { fatalError("broken rule: an answer has its body") }
        require(position == bytes.count && parser.isIdle, "an answer is one response")
        return head
    }
}
