import Sessions

/// What a load run does, checked.
struct LoadPlan {
    var connect = GatewayTarget(host: "localhost", port: 8080, tls: nil)
    var control = GatewayTarget(host: "localhost", port: 8081, tls: nil)
    var dialect = LoadDialect.gateway
    /// For the control listener.
    var key: BearerText?
    /// Of every client.
    var token: BearerText?
    /// Whose CPU time is measured; where there are none, the gateway is asked for its own.
    var serverPIDs: [Int32] = []
    var connections = 500
    /// Clients besides, that stop reading once they are let in.
    var slowConnections = 0
    var sessions = 1
    var kind = SessionKind.backtest
    var sessionPrefix = "load"
    /// Of the connections, those that want every other event only.
    var filteredConnections = 0
    /// Published to each session.
    var events = 10_000
    var event = LoadEvent()
    /// Every connection offers permessage-deflate and takes nothing less.
    var deflate = false
    /// Connections to the control listener; sessions share them.
    var publishers = 1
    /// Requests without an answer on each of them.
    var inFlight = 1
    /// Events a second to each session; nil is as fast as the answers come.
    var rate: Double?
    /// From the last client's handshake to the first event.
    var wait: Duration = .zero
    var duration: Duration = .seconds(120)
    /// The report for programs tells every latency's bucket.
    var tellsHistogram = false

    /// As many publishers as sessions, and no more than these, unless told otherwise.
    static let publishersDefaultMax = 16

    var allConnections: Int { connections + slowConnections }

    /// Sockets, with one for a look at the metrics, and what a process has open anyway.
    var descriptorsNeeded: Int { allConnections + publishers + 1 + 32 }

    /// Judged messages to compare others with, of all sessions together: no more than 64 MiB.
    var messagesKept: Int { min(1024, 67_108_864 / event.dataBytes) }

    func session(_ index: Int) -> String { "\(sessionPrefix)-\(index + 1)" }

    /// Those that a connection wants. Every other event is of the type that all want, from the first on.
    func isFiltered(_ connection: Int) -> Bool { connection < filteredConnections }

    func eventsWanted(by connection: Int) -> Int { isFiltered(connection) ? (events + 1) / 2 : events }

    var deliveriesExpected: Int { filteredConnections * ((events + 1) / 2) + (connections - filteredConnections) * events }

    /// The readers' sessions take turns, and so do the slow ones'.
    func sessionIndex(ofConnection index: Int) -> Int { (index < connections ? index : index - connections) % sessions }

    /// The most members a session has.
    var connectionsPerSession: Int { (connections + sessions - 1) / sessions + (slowConnections + sessions - 1) / sessions }
}
