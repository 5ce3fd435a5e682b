import ArgumentParser
import EventLoop

/// Where a tool connects to.
enum TargetAddress {
    static func parse(_ text: String, flag: String) throws(ValidationError) -> SocketAddress {
        guard let address = SocketAddress(parsing: text), address.port != 0 else {
            throw ValidationError("\(flag) is HOST:PORT with a numeric address or localhost, such as 127.0.0.1:8080; \"\(text)\" is not")
        }
        return address
    }

    /// Why there is no connection, and what to do.
    static func explain(_ error: SystemError, _ address: SocketAddress) -> String {
        if error.isConnectionRefused {
            return "nothing listens on \(address); is the gateway running? start it with: websocket-gateway demo"
        }
        if error.isOutOfPorts {
            return "no local port is free for another connection to \(address); wait a minute, or use fewer connections"
        }
        if error.isOutOfDescriptors { return "no file descriptor is free for another connection; raise the limit with: ulimit -n" }
        return "cannot connect to \(address): \(error.reason)"
    }
}
