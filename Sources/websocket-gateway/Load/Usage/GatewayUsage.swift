import EventLoop

/// What a gateway says of itself in /metrics.
struct GatewayUsage: Equatable {
    /// User and system, since its start.
    let cpuSeconds: Double

    /// Of Prometheus' text format; nil when the line is not there.
    init?(metrics text: [UInt8]) {
        let name = "process_cpu_seconds_total "
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix(name) }), let value = Double(line.dropFirst(name.count)), value.isFinite,
            value >= 0
        else { return nil }
        cpuSeconds = value
    }
}

/// One look at /metrics, on a connection of its own: one that waited from the beginning of a long run to its end would be idle for longer than
/// a gateway keeps it.
final class GatewayLook: ControlConnectionHandler {
    private var connection: ControlConnection?
    private var completion: ((GatewayUsage?) -> Void)?

    /// `completion` is called once, unless it is closed before; with nil where there is nothing to be seen.
    init(_ loop: EventLoop, at gateway: GatewayTarget, key: BearerText?, _ completion: @escaping (GatewayUsage?) -> Void)
        throws(SystemError)
    {
        self.completion = completion
        connection = try ControlConnection(loop, to: gateway, key: key, handler: self)
    }

    func close() {
        completion = nil
        connection?.close()
        connection = nil
    }

    private func finish(_ usage: GatewayUsage?) {
        let completion = completion
        close()
        completion?(usage)
    }

    // MARK: ControlConnectionHandler

    func connectionDidOpen(_ connection: ControlConnection) {
        connection.get("/metrics")
        connection.flush()
    }

    func connection(_ connection: ControlConnection, didAnswer status: UInt16, body: [UInt8]) {
        finish(status == 200 ? GatewayUsage(metrics: body) : nil)
    }

    func connection(_ connection: ControlConnection, didEnd ending: ControlConnection.Ending) { finish(nil) }
}
