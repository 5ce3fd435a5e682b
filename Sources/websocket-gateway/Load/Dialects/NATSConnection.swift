import EventLoop
import Sessions

/// What a publisher's connection to a NATS server tells its owner, on the loop's thread.
protocol NATSConnectionHandler: AnyObject {
    func connectionDidOpen(_ connection: NATSConnection)
    /// The server has taken the oldest event it had not.
    func connectionDidAcknowledge(_ connection: NATSConnection)
    /// Told once, last.
    func connection(_ connection: NATSConnection, didEnd ending: ControlConnection.Ending)
}

/// A publisher's connection to a NATS server's TCP port. NATS answers no publish, so a PING follows each: the PONG says that what stood
/// before it was taken, as an HTTP answer does.
final class NATSConnection: TCPStreamHandler, PublishChannel {
    private enum State {
        case connecting
        /// INFO is still to come.
        case greeting
        /// CONNECT is sent, the PONG behind it is still to come.
        case joining
        case open, ended
    }

    /// What every client says first.
    static let connect: StaticString = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"

    /// What events to a session are published under.
    static func subject(_ session: SessionID) -> String { "session.\(session)" }

    private var state = State.connecting
    private var stream: TCPStream?
    private var reader = NATSReader()
    private var backlog = SendBacklog()
    private var handler: (any NATSConnectionHandler)?
    private var awaited = 0

    var isOpen: Bool { state == .open }

    init(_ loop: EventLoop, to server: GatewayTarget, handler: any NATSConnectionHandler) throws(SystemError) {
        self.handler = handler
        stream = try server.connect(loop, handler: self).stream
    }

    // MARK: PublishChannel

    func publish(_ event: [UInt8], to session: SessionID) {
        precondition(state == .open, "a publish needs a connection that is open")
        awaited += 1
        backlog.append(Array("PUB \(Self.subject(session)) \(event.count)\r\n".utf8))
        backlog.append(event)
        backlog.append(Array("\r\nPING\r\n".utf8))
    }

    func flush() {
        guard state != .connecting, let stream else { return }
        do throws(SystemError) { try backlog.flush(to: stream) } catch { stream.sendingFailed(error) }
    }

    func close() {
        state = .ended
        stream?.close()
        stream = nil
        handler = nil
    }

    // MARK: TCPStreamHandler

    func streamBecameWritable(_ stream: TCPStream) {
        if state == .connecting {
            state = .greeting
            stream.startReading()
        }
        flush()
    }

    func stream(_ stream: TCPStream, didReceive bytes: Span<UInt8>) {
        do throws(NATSReader.Fault) {
            // Taken out: what is received changes this object while the reader works.
            var reader = NATSReader()
            swap(&reader, &self.reader)
            try reader.receive(bytes) { operation, payload in
                receive(operation, payload)
                return state != .ended
            }
            self.reader = reader
        } catch {
            end(.lost("the answer is not NATS as we know it: \(error)"))
        }
    }

    func streamDidReachEnd(_ stream: TCPStream) { end(.lost("the server closed the connection")) }

    func stream(_ stream: TCPStream, didFail error: SystemError) {
        end(state == .connecting ? .cannotConnect(error) : .lost(error.reason))
    }

    private func receive(_ operation: NATSReader.Operation, _ payload: Span<UInt8>) {
        switch (operation, state) {
        case (.info, .greeting):
            state = .joining
            backlog.append(Array("\(Self.connect)PING\r\n".utf8))
            flush()
        case (.pong, .joining):
            state = .open
            handler?.connectionDidOpen(self)
        case (.pong, .open):
            guard awaited > 0 else { return end(.lost("the server answers what was not asked")) }
            awaited -= 1
            handler?.connectionDidAcknowledge(self)
        case (.ping, _):
            backlog.append(Array("PONG\r\n".utf8))
            flush()
        case (.error, _): end(.lost("the server says: \(SafeText.escaped(String(decoding: payload.copied(), as: UTF8.self)))"))
        // A cluster tells of its changes at any time.
        case (.info, _), (.ok, _), (.pong, _): break
        case (.message, _): end(.lost("a message came that was not subscribed to"))
        }
    }

    private func end(_ ending: ControlConnection.Ending) {
        guard state != .ended else { return }
        let handler = handler
        close()
        handler?.connection(self, didEnd: ending)
    }
}
