import Sessions

/// What the gateway's receipts add up to.
struct PublishTotals: Equatable {
    var events = 0
    var requests = 0
    var connections = 0
    var sent = 0
    var queued = 0
    var conflated = 0
    var dropped = 0

    /// False when the answer is no receipt.
    mutating func add(receipt body: [UInt8], events count: Int) -> Bool {
        guard let receipt = try? JSON.parse(body.span), receipt["id"] != nil || receipt["first_id"] != nil else { return false }
        func number(_ name: String) -> Int { Int(receipt[name]?.intValue ?? 0) }
        requests += 1
        events += count
        connections += number("connections")
        sent += number("sent")
        queued += number("queued")
        conflated += number("conflated")
        dropped += number("dropped")
        return true
    }

    /// The answer said that they were taken, and nothing of what became of them.
    mutating func addUncounted(events count: Int) {
        requests += 1
        events += count
    }

    var text: String {
        "\(events) events in \(requests) requests; deliveries: \(sent) sent, \(queued) queued, \(conflated) conflated, \(dropped) dropped"
    }
}
