import Sessions

/// An answer of the gateway that says no: `{"error":{"code","message","details"}}`.
struct GatewayRefusal: Equatable {
    let status: UInt16
    /// The stable word for programs, `SESSION_LIMIT`; nil where the answer came from something else than a gateway.
    let code: String?
    let message: String?
    /// Where in a publish the fault is: `line 4: data.price`.
    let place: String?

    init(status: UInt16, body: [UInt8]) {
        self.status = status
        let error = (try? JSON.parse(body.span))?["error"]
        code = error?["code"]?.stringValue
        message = error?["message"]?.stringValue
        place = error?["details"]?["place"]?.stringValue
    }

    /// Worth another try later: rates, limits, draining, starting.
    var isTransient: Bool { status == 429 || status == 503 }

    /// One line, with nothing in it that a terminal would obey.
    var text: String {
        switch (code, message) {
        case (let code?, let message?): SafeText.escaped("\(status) \(code): \(message)")
        default: "\(status), without a reason a gateway would give; is it a gateway that listens there?"
        }
    }

    /// The flag of `serve` that would have let the connection in.
    func flagToRaise(connections: Int, perSession: Int) -> String? {
        switch code {
        case "SESSION_LIMIT": "--max-connections-per-session \(perSession)"
        case "CONNECTION_LIMIT": "--max-connections \(connections)"
        case "ADDRESS_LIMIT": "--max-connections-per-address \(connections)"
        case "CONTROL_LIMIT": "--max-control-connections"
        case "TOO_MANY_SESSIONS": "--max-sessions"
        default: nil
        }
    }
}
