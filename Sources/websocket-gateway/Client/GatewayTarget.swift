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

    enum Place {
        /// A name or a numeric address.
        case network(host: String, port: UInt16)
        /// Of a control listener on this machine.
        case unix(UnixPath)
    }

    let place: Place
    /// Nil where the bytes go as they are.
    let tls: ClientTLS?

    init(host: String, port: UInt16, tls: ClientTLS?) {
        place = .network(host: host, port: port)
        self.tls = tls
    }

    init(_ path: UnixPath) {
        place = .unix(path)
        tls = nil
    }

    /// `HOST:PORT`, without TLS, or a URL without a path; the control listener may be `unix:/PATH`.
    static func parse(_ text: String, _ listener: Listener, flag: String, _ options: TLSOptions) throws(ValidationError)
        -> GatewayTarget
    {
        if listener == .control, let path = try unixPath(text, flag) { return GatewayTarget(path) }
        if let url = GatewayURL(text), url.path.isEmpty { return try at(url, listener, flag: flag, options) }
        guard let (host, port) = GatewayURL.authority(text[...]), let port else {
            let (plain, sealed) = listener.schemes
            let socket = listener == .control ? ", unix:/PATH" : ""
            throw ValidationError(
                "\(flag) is HOST:PORT\(socket), \(plain)://HOST or \(sealed)://HOST, such as 127.0.0.1:\(listener == .control ? 8081 : 8080); \"\(SafeText.escaped(text))\" is not"
            )
        }
        return GatewayTarget(host: host, port: port, tls: nil)
    }

    private static func unixPath(_ text: String, _ flag: String) throws(ValidationError) -> UnixPath? {
        do throws(UnixPath.Fault) {
            guard case .unix(let path) = try Endpoint(parsing: text) else { return nil }
            return path
        } catch {
            throw ValidationError("\(flag): \(error)")
        }
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

    /// `localhost:8443`, as messages have it.
    var description: String {
        switch place {
        case .network(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): path.description
        }
    }

    /// What requests say in `Host`. A path has no place there: curl says `localhost` too.
    var hostField: String { if case .unix = place { "localhost" } else { description } }

    /// This machine, beyond doubt: nothing is looked up.
    var isLoopback: Bool {
        switch place {
        case .network(let host, _): host == "localhost" || SocketAddress(host: host)?.isLoopback == true
        case .unix: true
        }
    }

    /// Begins a connection; by TLS it stands when the certificate was found to be good, and the seal knows if it was not.
    func connect(_ loop: EventLoop, handler: any TCPStreamHandler) throws(SystemError) -> (stream: TCPStream, seal: TLSSeal?) {
        switch place {
        case .network(let host, let port):
            let address = try loop.address(ofHost: host, port: port)
            let seal: TLSSeal? = if let tls { try tls.seal(for: host) } else { nil }
            return (try TCPStream.connect(loop, to: address, seal: seal, handler: handler), seal)
        case .unix(let path): return (try TCPStream.connect(loop, to: .unix(path), handler: handler), nil)
        }
    }

    // MARK: What went wrong

    /// Why there is no connection, and what to do.
    func explain(_ error: SystemError) -> String {
        // A gateway that has stopped leaves no socket's file, and one that was killed leaves one that nobody listens on.
        if error.isConnectionRefused || error.isNotFound {
            return "nothing listens on \(self); is the gateway running? start it with: websocket-gateway demo, or say where it is"
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
