import EventLoop

/// What `demo` says at the start: where it listens, and the three lines to type next.
struct DemoGreeting {
    let listen: String
    let control: String
    /// Which of the listeners speak TLS.
    var isSealed = false
    var isControlSealed = false
    let seed: UInt64
    /// How the executable was started, and the folder it was started in.
    let executable: String
    let folder: String?

    var text: String {
        """
        WebSocket Gateway is running, with two synthetic sessions: \(DemoEngines.backtestID) and \(DemoEngines.forwardID) (--seed \(seed)).

          browsers connect to   \(clients)/ws/backtest/\(DemoEngines.backtestID)
                                \(clients)/ws/forward/\(DemoEngines.forwardID)
          engines publish to    \(engines)/v1/sessions/{session_id}/events\(socket.map { ", over the socket \($0)" } ?? "")

        In another terminal, watch a session, publish into it yourself, and see what was delivered:

          \(command) watch \(DemoEngines.backtestID) --connect \(isSealed ? clients : Self.reachable(listen))
          \(curl) -X POST \(engines)/v1/sessions/\(DemoEngines.backtestID)/events -H 'Content-Type: application/json' -d '\(Self.example)'
          \(curl) \(engines)/metrics | grep wsg_deliveries_total
        \(trust)
        Ctrl-C stops it.

        """
    }

    private var clients: String { "\(isSealed ? "wss" : "ws")://\(Self.reachable(listen))" }
    private var engines: String { "\(isControlSealed ? "https" : "http")://\(socket == nil ? Self.reachable(control) : "localhost")" }

    /// Empty, or lines with an empty one before them.
    private var trust: String {
        guard isSealed || isControlSealed else { return "" }
        return """

            The certificate has to be for the host that is named there. Where this machine does not trust who signed it, say whom to
            trust: watch … --ca FILE, curl --cacert FILE.

            """
    }

    func show() { SmallFile.writeToStandardOutput(text) }

    private static let example = #"{"type":"ai_thinking","data":{"text":"hello from curl","is_complete":true}}"#

    /// The control listener's path, where it is a Unix-domain socket.
    private var socket: String? { control.hasPrefix("unix:") ? String(control.dropFirst("unix:".count)) : nil }
    private var curl: String { socket.map { "curl -s --unix-socket \(Self.quoted($0))" } ?? "curl -s" }

    /// The executable as it can be typed in this folder.
    private var command: String {
        guard let folder, executable.hasPrefix(folder + "/") else { return Self.quoted(executable) }
        return Self.quoted(String(executable.dropFirst(folder.count + 1)))
    }

    /// As a shell takes it for one word.
    private static func quoted(_ path: String) -> String {
        let plain = path.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: "/._-+@%,=:".utf8.contains(byte)
            }
        }
        return plain ? path : "'" + path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }

    /// Who listens on every address is reached on loopback.
    private static func reachable(_ address: String) -> String {
        if address.hasPrefix("0.0.0.0:") { return "127.0.0.1:" + address.dropFirst("0.0.0.0:".count) }
        if address.hasPrefix("[::]:") { return "[::1]:" + address.dropFirst("[::]:".count) }
        return address
    }
}
