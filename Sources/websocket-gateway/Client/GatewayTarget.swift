import ArgumentParser
import EventLoop
import OpenSSL
import WebSocketGateway

/// Where a tool connects to, and whether by TLS.
struct GatewayTarget: CustomStringConvertible {
    /// Which of a gateway's listeners.
    enum Listener {
        case clients, control

        fileprivate var schemes: (plain: String, sealed: String) {
            switch self {
            case .clients: ("ws", "wss")
            case .control: ("http", "https")
            }
        }
    }

    /// A name or a numeric address.
    let host: String
    let port: UInt16
    /// Nil where the bytes go as they are.
    let tls: ClientTLS?

    /// `HOST:PORT`, without TLS, or a URL without a path.
    static func parse(_ text: String, _ listener: Listener, flag: String, _ options: TLSOptions) throws(ValidationError)
        -> GatewayTarget
    {
        if let url = GatewayURL(text), url.path.isEmpty { return try at(url, listener, flag: flag, options) }
        guard let (host, port) = GatewayURL.authority(text[...]), let port else {
            let (plain, sealed) = listener.schemes
            throw ValidationError(
                "\(flag) is HOST:PORT, \(plain)://HOST or \(sealed)://HOST, such as 127.0.0.1:8080; \"\(SafeText.escaped(text))\" is not")
        }
        return GatewayTarget(host: host, port: port, tls: nil)
    }

    /// Where a URL's path is looked for.
    static func at(_ url: GatewayURL, _ listener: Listener, flag: String, _ options: TLSOptions) throws(ValidationError) -> GatewayTarget {
        switch url.scheme {
        case listener.schemes.plain: return GatewayTarget(host: url.host, port: url.port ?? 80, tls: nil)
        case listener.schemes.sealed: return GatewayTarget(host: url.host, port: url.port ?? 443, tls: try options.load())
        default:
            let (plain, sealed) = listener.schemes
            throw ValidationError("\(flag) takes \(plain):// and \(sealed)://, not \(SafeText.escaped(url.scheme))://")
        }
    }

    /// `localhost:8443`, as requests and messages have it.
    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// This machine, beyond doubt: nothing is looked up.
    var isLoopback: Bool { host == "localhost" || SocketAddress(host: host)?.isLoopback == true }

    /// Begins a connection; by TLS it stands when the certificate was found to be good, and the seal knows if it was not.
    func connect(_ loop: EventLoop, handler: any TCPStreamHandler) throws(SystemError) -> (stream: TCPStream, seal: TLSSeal?) {
        let address = try loop.address(ofHost: host, port: port)
        let seal: TLSSeal? = if let tls { try tls.seal(for: host) } else { nil }
        return (try TCPStream.connect(loop, to: address, seal: seal, handler: handler), seal)
    }

    // MARK: What went wrong

    /// Why there is no connection, and what to do.
    func explain(_ error: SystemError) -> String {
        if error.isConnectionRefused {
            return "nothing listens on \(self); is the gateway running? start it with: websocket-gateway demo"
        }
        if error.isOutOfPorts {
            return "no local port is free for another connection to \(self); wait a minute, or use fewer connections"
        }
        if error.isOutOfDescriptors { return "no file descriptor is free for another connection; raise the limit with: ulimit -n" }
        return "cannot connect to \(self): \(error.reason)"
    }

    /// Why there is no TLS.
    func explain(_ failure: TLSFailure) -> String {
        switch failure.reason {
        case .badCertificate: "the certificate of \(self) is not trusted: \(failure.detail)"
        case .notTLS, .plainHTTP: "\(self) does not speak TLS (\(failure.detail)); is it its other listener, or one without TLS?"
        case .alert: "\(self) ended TLS with an alert: \(failure.detail)"
        default: "no TLS with \(self): \(failure.detail)"
        }
    }
}
