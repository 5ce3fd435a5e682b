import EventLoop
import HTTP
import OpenSSL
import Sessions
import WebSocketGateway

/// What a connection to the control listener tells its owner, on the loop's thread.
protocol ControlConnectionHandler: AnyObject {
    func connectionDidOpen(_ connection: ControlConnection)
    /// The answer to the oldest request that had none.
    func connection(_ connection: ControlConnection, didAnswer status: UInt16, body: [UInt8])
    /// Told once, last. Requests without an answer may or may not have been carried out.
    func connection(_ connection: ControlConnection, didEnd ending: ControlConnection.Ending)
}

/// A kept-alive HTTP/1.1 connection to the engine API: requests are pipelined, answers come in their order (RFC 9112 §9.3.2).
final class ControlConnection: TCPStreamHandler {
    enum Ending: Equatable {
        case cannotConnect(SystemError)
        /// In the handshake or soon after: a certificate is not to somebody's liking.
        case cannotSeal(TLSFailure)
        /// Answered before anything was asked: the listener has no room for us.
        case refused(GatewayRefusal)
        case lost(String)
    }

    private enum State { case connecting, open, ended }

    /// What every request says beside what it asks for.
    private let fields: String
    private var state = State.connecting
    private var stream: TCPStream?
    private var seal: TLSSeal?
    private var parser = ResponseParser()
    /// The head whose body is still coming.
    private var head: ResponseHead?
    private var backlog = SendBacklog()
    /// Answers of one read are being told: what is asked meanwhile is sent together, as one write.
    private var isReceiving = false
    private var handler: (any ControlConnectionHandler)?
    /// Requests without an answer.
    private(set) var awaited = 0

    var isOpen: Bool { state == .open }

    init(_ loop: EventLoop, to gateway: GatewayTarget, key: BearerText? = nil, handler: any ControlConnectionHandler) throws(SystemError) {
        fields = "Host: \(gateway.hostField)\r\n\(key?.field ?? "")"
        self.handler = handler
        (stream, seal) = try gateway.connect(loop, handler: self)
    }

    /// Asks for `path`; ``flush()`` sends it.
    func get(_ path: StaticString) { get(path: path.description) }

    /// As above; `path` is made of nothing that was not checked.
    func get(path: String) {
        precondition(state != .ended, "a request needs a connection")
        awaited += 1
        backlog.append(Array("GET \(path) HTTP/1.1\r\n\(fields)\r\n".utf8))
    }

    /// Publishes `body` to a session; ``flush()`` sends it.
    func publish(_ body: [UInt8], to session: SessionID, contentType: StaticString) {
        precondition(state != .ended, "a request needs a connection")
        awaited += 1
        let head =
            "POST /v1/sessions/\(session)/events HTTP/1.1\r\n\(fields)Content-Type: \(contentType)\r\nContent-Length: \(body.count)\r\n\r\n"
        backlog.append(Array(head.utf8))
        backlog.append(body)
    }

    /// Sends what was asked. While answers are told, that is done after the last of them.
    func flush() {
        guard state == .open, !isReceiving, let stream else { return }
        do throws(SystemError) { try backlog.flush(to: stream) } catch { stream.sendingFailed(error) }
    }

    /// Ends it, without a word to the handler.
    func close() {
        state = .ended
        stream?.close()
        stream = nil
        handler = nil
    }

    // MARK: TCPStreamHandler

    func streamBecameWritable(_ stream: TCPStream) {
        if state == .connecting {
            state = .open
            stream.startReading()
            handler?.connectionDidOpen(self)
        }
        flush()
    }

    func stream(_ stream: TCPStream, didReceive bytes: Span<UInt8>) {
        isReceiving = true
        receive(bytes)
        isReceiving = false
        flush()
    }

    private func receive(_ bytes: Span<UInt8>) {
        var position = 0
        do throws(HTTPViolation) {
            while state == .open, let element = try parser.next(bytes, at: &position) {
                switch element {
                case .head(let head) where head.isInterim: continue
                case .head(let head) where head.hasBody: self.head = head
                case .head(let head): answer(head, [])
                case .body(let body):
                    guard let head else { preconditionFailure("a body came without a head") }
                    self.head = nil
                    answer(head, body)
                }
            }
        } catch {
            end(.lost("the answer is not HTTP as we know it: \(error.message)"))
        }
    }

    func streamDidReachEnd(_ stream: TCPStream) {
        end(state == .connecting ? .cannotSeal(.closedInHandshake) : .lost("the gateway closed the connection"))
    }

    func stream(_ stream: TCPStream, didFail error: SystemError) {
        if let failure = seal?.failure { return end(.cannotSeal(failure)) }
        end(state == .connecting ? .cannotConnect(error) : .lost(error.reason))
    }

    private func answer(_ head: ResponseHead, _ body: [UInt8]) {
        guard awaited > 0 else {
            return end(.refused(GatewayRefusal(status: head.status, body: body)))
        }
        awaited -= 1
        handler?.connection(self, didAnswer: head.status, body: body)
        if !head.keepAlive { end(.lost("the gateway closed the connection after an answer")) }
    }

    private func end(_ ending: Ending) {
        guard state != .ended else { return }
        let handler = handler
        close()
        handler?.connection(self, didEnd: ending)
    }
}
