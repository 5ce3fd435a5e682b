import HTTP
import WebSocket

/// The client's opening handshake (RFC 6455 §4.1) as bytes in, verdict out.
///
/// Flow: TCPStream → **ClientUpgrade** → MessageReader or ServerFrameScanner
struct ClientUpgrade {
    enum Verdict: Equatable {
        case incomplete
        /// What follows in the input are frames; with `deflate` they may be compressed, each message on its own.
        case accepted(deflate: Bool)
        case refused(GatewayRefusal)
        /// The peer does not speak the protocol; why, for people.
        case violated(String)
    }

    let request: [UInt8]
    private let accept: String
    private let offersDeflate: Bool
    private var parser = ResponseParser()
    /// The head of a refusal whose body is still coming.
    private var status: UInt16?

    init(host: String, target: String, deflate: Bool = false, token: BearerText? = nil) {
        let key = ClientHandshake.makeKey()
        var headers = deflate ? [("Sec-WebSocket-Extensions", PermessageDeflate.offer)] : []
        if let token { headers.append(token.header) }
        request = ClientHandshake.request(host: host, target: target, key: key, headers: headers)
        accept = ClientHandshake.expectedAccept(key: key)
        offersDeflate = deflate
    }

    /// Consumes from `input` at `position`, up to the first frame once accepted.
    mutating func receive(_ input: Span<UInt8>, at position: inout Int) -> Verdict {
        do throws(HTTPViolation) {
            while let element = try parser.next(input, at: &position) {
                switch element {
                case .head(let head) where head.isInterim: continue
                case .head(let head) where head.status == 101: return check(head)
                case .head(let head) where head.hasBody: status = head.status
                case .head(let head): return .refused(GatewayRefusal(status: head.status, body: []))
                case .body(let body): return .refused(GatewayRefusal(status: status ?? 0, body: body))
                }
            }
            return .incomplete
        } catch {
            return .violated("the answer is not HTTP as we know it: \(error.message)")
        }
    }

    private func check(_ head: ResponseHead) -> Verdict {
        guard head.has("upgrade", token: "websocket"), head.has("connection", token: "upgrade") else {
            return .violated("the 101 does not say Upgrade: websocket")
        }
        guard head.values("sec-websocket-accept") == [accept] else { return .violated("the 101 has the wrong Sec-WebSocket-Accept") }
        guard offersDeflate || !head.contains("sec-websocket-extensions"), !head.contains("sec-websocket-protocol") else {
            return .violated("the 101 agrees to something that was not offered")
        }
        do throws(DeflateAnswer.Fault) {
            return .accepted(deflate: try DeflateAnswer.isAgreement(head.values("sec-websocket-extensions")))
        } catch {
            return .violated("the 101 \(error.reason)")
        }
    }
}
