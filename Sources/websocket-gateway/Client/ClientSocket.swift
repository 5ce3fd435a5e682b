import EventLoop
import OpenSSL
import WebSocket
import WebSocketGateway

/// What a client's WebSocket tells its owner, on the loop's thread.
protocol ClientSocketHandler: AnyObject {
    func socketDidOpen(_ socket: ClientSocket)
    func socket(_ socket: ClientSocket, didReceive message: [UInt8])
    /// Told once, last.
    func socket(_ socket: ClientSocket, didEnd ending: ClientSocket.Ending)
}

/// One client WebSocket on one loop: upgrade, messages, pings answered, close answered.
///
/// Flow: TCPStream → ClientUpgrade → **ClientSocket** (MessageReader) → WatchRun
final class ClientSocket: TCPStreamHandler {
    enum Ending: Equatable {
        case cannotConnect(SystemError)
        /// In the handshake most often: the certificate is not to our liking, or ours not to the gateway's.
        case cannotSeal(TLSFailure)
        case refused(GatewayRefusal)
        /// By a Close frame; without a code it is 1005 (RFC 6455 §7.1.5).
        case closed(CloseCode?, reason: String)
        /// Without a Close frame (1006), and why.
        case lost(String)
    }

    private enum State { case connecting, upgrading, open, ended }

    /// Beyond the largest event a gateway takes by default (512 KiB), with room for one that was set up for more.
    static let messageBytesMax = 16_777_216

    private var state = State.connecting
    private var stream: TCPStream?
    private var seal: TLSSeal?
    private var upgrade: ClientUpgrade
    private var reader: MessageReader
    private var backlog = SendBacklog()
    /// What is answered meanwhile is sent together, as one write.
    private var isReceiving = false
    private var handler: (any ClientSocketHandler)?

    init(
        _ loop: EventLoop, to gateway: GatewayTarget, target: String, token: BearerText? = nil, handler: any ClientSocketHandler
    ) throws(SystemError) {
        upgrade = ClientUpgrade(host: gateway.description, target: target, token: token)
        var limits = WebSocketLimits()
        limits.messageBytesMax = Self.messageBytesMax
        reader = MessageReader(role: .client, limits: limits)
        self.handler = handler
        (stream, seal) = try gateway.connect(loop, handler: self)
    }

    /// Says goodbye and ends, without a word to the handler.
    func close() {
        guard let stream, state != .ended else { return }
        // The kernel delivers it behind our back; whether it arrives changes nothing for us.
        if state == .open { _ = stream.send(Self.closeFrame(.normal).span) }
        release()
    }

    /// The gateway has been silent for too long.
    func abandon(_ reason: String) { end(.lost(reason)) }

    // MARK: TCPStreamHandler

    func streamBecameWritable(_ stream: TCPStream) {
        if state == .connecting {
            state = .upgrading
            backlog.append(upgrade.request)
            stream.startReading()
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
        if state == .upgrading {
            switch upgrade.receive(bytes, at: &position) {
            case .incomplete: return
            case .refused(let refusal): return end(.refused(refusal))
            case .violated(let reason): return end(.lost(reason))
            case .accepted:
                state = .open
                handler?.socketDidOpen(self)
            }
        }
        receiveMessages(bytes, at: &position)
    }

    func streamDidReachEnd(_ stream: TCPStream) {
        switch state {
        case .connecting: end(.cannotSeal(.closedInHandshake))
        case .open: end(.lost("the connection ended without a Close frame"))
        default: end(.lost("the connection ended before the gateway answered"))
        }
    }

    func stream(_ stream: TCPStream, didFail error: SystemError) {
        if let failure = seal?.failure { return end(.cannotSeal(failure)) }
        end(state == .connecting ? .cannotConnect(error) : .lost(error.reason))
    }

    // MARK: Messages

    private func receiveMessages(_ bytes: Span<UInt8>, at position: inout Int) {
        do throws(ProtocolViolation) {
            while state == .open, let message = try reader.next(bytes, at: &position) { receive(message) }
        } catch {
            _ = stream?.send(Self.closeFrame(error.closeCode).span)
            end(.lost("the gateway broke RFC 6455 \(error.section): \(error)"))
        }
    }

    private func receive(_ message: Received) {
        switch message {
        case .text(let text): handler?.socket(self, didReceive: text)
        case .ping(let payload): send(.pong, payload)
        case .pong: break
        case .close(let code, let reason):
            // §5.5.1: answered with the same code.
            _ = stream?.send(Self.closeFrame(code).span)
            end(.closed(code, reason: String(decoding: reason, as: UTF8.self)))
        case .binary, .compressed:
            _ = stream?.send(Self.closeFrame(.unsupportedData).span)
            end(.lost("a binary or compressed message came, which the gateway never sends"))
        }
    }

    private func send(_ opcode: Opcode, _ payload: [UInt8]) {
        backlog.append(FrameEncoder.maskedFrame(opcode, payload, maskingKey: .random(in: .min ... .max)))
        flush()
    }

    static func closeFrame(_ code: CloseCode?) -> [UInt8] {
        let body = code.map { [UInt8(truncatingIfNeeded: $0.rawValue >> 8), UInt8(truncatingIfNeeded: $0.rawValue)] } ?? []
        return FrameEncoder.maskedFrame(.close, body, maskingKey: .random(in: .min ... .max))
    }

    private func flush() {
        guard !isReceiving, let stream else { return }
        do throws(SystemError) { try backlog.flush(to: stream) } catch { stream.sendingFailed(error) }
    }

    private func end(_ ending: Ending) {
        guard state != .ended else { return }
        let handler = handler
        release()
        handler?.socket(self, didEnd: ending)
    }

    private func release() {
        state = .ended
        stream?.close()
        stream = nil
        handler = nil
    }
}
