import Sessions

/// A connection that a load run publishes over, in whatever protocol; it tells its handler of opening, answers and end. Called once an event,
/// never once a delivery.
protocol PublishChannel: AnyObject {
    var isOpen: Bool { get }
    /// ``flush()`` sends it.
    func publish(_ event: [UInt8], to session: SessionID)
    func flush()
    /// Ends it, without a word to the handler.
    func close()
}

extension ControlConnection: PublishChannel {
    func publish(_ event: [UInt8], to session: SessionID) { publish(event, to: session, contentType: "application/json") }
}
