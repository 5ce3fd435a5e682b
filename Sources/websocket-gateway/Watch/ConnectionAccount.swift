import Sessions

/// What the gateway says of one connection, in plain words and each thing once.
///
/// Flow: ControlConnection → Explainer → **ConnectionAccount** → standard error
struct ConnectionAccount {
    /// How often each moment had happened when it was told of, by its kind and first time.
    private var told: [String: Int64] = [:]

    /// Lines about what is new. The last time it is everything that has changed since, and how things stand.
    mutating func news(status: UInt16, body: [UInt8], isLast: Bool) -> [String] {
        let answer = try? JSON.parse(body.span)
        switch (status, answer) {
        case (200, let connection?):
            return moments(connection, isLast: isLast) + (isLast ? Self.standing(connection) : [])
        case (404, let refusal?):
            guard let closure = refusal["error"]?["details"]?["closure"], closure.objectValue != nil else {
                return isLast ? ["the gateway knows nothing of this connection any more"] : []
            }
            return moments(closure, isLast: isLast) + (isLast ? [Self.closing(closure)] : [])
        default: return isLast ? ["the gateway does not say: \(GatewayRefusal(status: status, body: body).text)"] : []
        }
    }

    private mutating func moments(_ connection: JSON, isLast: Bool) -> [String] {
        var lines: [String] = []
        if isLast, let dropped = connection["story_dropped"]?.intValue, dropped > 0 {
            lines.append("earlier moments that are told no more: \(Self.grouped(dropped))")
        }
        for moment in connection["story"]?.arrayValue ?? [] {
            let key = Self.text(moment["moment"]) + " " + Self.text(moment["at"])
            let count = moment["count"]?.intValue ?? 1
            guard isLast ? told[key] != count : told[key] == nil else { continue }
            told[key] = count
            lines.append(Self.line(moment))
        }
        return lines
    }

    // MARK: A moment

    /// `10:31:02.123 your queue was full at 1.0 MiB (after …-812)`, with how often and until when where it came again.
    static func line(_ moment: JSON) -> String {
        let count = moment["count"]?.intValue ?? 1
        let isRepeated = count > 1
        let times = isRepeated ? " to \(clock(moment["last_at"])), \(grouped(count)) times:" : ""
        return "\(clock(moment["at"]))\(times) \(whatHappened(moment, isRepeated, count))"
    }

    private static func whatHappened(_ moment: JSON, _ isRepeated: Bool, _ count: Int64) -> String {
        let upTo = isRepeated ? "up to " : ""
        switch moment["moment"]?.stringValue {
        case "lagged": return "your socket did not take everything: \(upTo)\(bytes(moment["queued_bytes"])) began to wait for you"
        case "fell_behind":
            let place = moment["after_id"]?.stringValue.map { "\(isRepeated ? "last " : "")after \(short($0))" } ?? "before the first event"
            return "your queue was full at \(upTo)\(bytes(moment["queued_bytes"])) (\(place)); what follows came from the history"
        case "caught_up":
            let time = duration(moment["duration_ms"])
            return "caught up: \(events(moment["events"])) in \(isRepeated ? "\(time) at the longest" : time)"
        case "conflated":
            let types = (moment["types"]?.arrayValue ?? []).map(text).joined(separator: ", ")
            return "left out by policy, because newer ones followed: \(events(moment["events"])) (\(types))"
        case "lost":
            let range = "\(text(moment["first_id"], short)) to \(text(moment["last_id"], short))"
            return "lost to you, because they are kept no more: \(events(moment["events"])) (\(isRepeated ? "last " : "")\(range))"
        case "rate_limited": return "your messages came too fast: \(grouped(count)) not looked at"
        case "slow_ping": return "a ping took \(upTo)\(duration(moment["rtt_ms"])) to come back"
        default: return EventSummary.fields(moment.objectValue ?? [:], first: ["moment"])
        }
    }

    // MARK: The end

    /// An open connection as it is now.
    private static func standing(_ connection: JSON) -> [String] {
        var lines: [String] = []
        if (connection["story"]?.arrayValue ?? []).isEmpty { lines.append("nothing noteworthy has happened to this connection") }
        if let waiting = connection["queued_bytes"]?.intValue, waiting > 0 {
            lines.append("\(bytes(.int(waiting))) wait for your socket, and you are \(events(connection["lag"])) behind")
        }
        return lines
    }

    /// `10:31:09.500 closed by the gateway with 4408: …`.
    static func closing(_ closure: JSON) -> String {
        let reason = closure["reason"]?.stringValue ?? ""
        let why = reasons[reason] ?? SafeText.oneLine(reason)
        let rule = closure["violation"]?.stringValue.map { " (\(SafeText.oneLine($0)))" } ?? ""
        let end = closure["by"]?.stringValue == "network" ? "ended" : "closed by the \(text(closure["by"]))"
        var line = "\(clock(closure["closed_at"])) \(end) with \(closure["close_code"]?.intValue ?? 1006): \(why)\(rule)"
        line += "; delivered \(events(closure["delivered"]))"
        if let last = closure["last_id"]?.stringValue { line += " up to \(short(last))" }
        if let waiting = closure["queued_bytes"]?.intValue, waiting > 0 { line += ", of which \(bytes(.int(waiting))) still waited" }
        return line
    }

    /// By the words of docs/PROTOCOL.md.
    static let reasons: [String: String] = [
        "client_left": "the client left",
        "ended_without_close": "the TCP connection ended without a Close frame, as when a browser is killed or a proxy gives up",
        "session_ended": "the session is over",
        "disconnected": "an engine disconnected this client",
        "draining": "the gateway is shutting down; come back",
        "slow_no_progress": "too slow: the socket took nothing for the write time-out",
        "slow_queue_full": "too slow: more waited than may",
        "slow_memory_budget": "too slow: the gateway's memory was full",
        "stale": "nothing was heard from the client for the stale time-out",
        "cleaned_up": "an engine had clients closed that were not heard for long",
        "protocol_violation": "the client broke a rule of the protocol",
        "rate_limited": "the client's own messages came too fast for too long",
        "token_expired": "the token had ended and was not renewed",
        "lifetime_over": "it was open for as long as the gateway lets anybody be",
        "refused": "the client may not join",
        "send_error": "the connection was broken when something was sent",
        "reset": "the TCP connection was reset, by the client's machine or by something between",
        "timed_out": "the client's machine acknowledged nothing for too long",
        "read_error": "the connection could not be read any more",
    ]

    // MARK: Values

    private static func text(_ json: JSON?) -> String { text(json) { SafeText.oneLine($0) } }
    private static func text(_ json: JSON?, _ shown: (String) -> String) -> String { json?.stringValue.map(shown) ?? "?" }
    private static func clock(_ json: JSON?) -> String { ReceivedEvent.clock(json?.stringValue ?? "") }

    /// Within one connection the epoch says nothing: `…-812`.
    static func short(_ id: String) -> String { (try? EventID(parsing: id)).map { "…-\($0.sequence)" } ?? SafeText.oneLine(id) }

    private static func events(_ json: JSON?) -> String {
        let count = json?.intValue ?? 0
        return count == 1 ? "1 event" : "\(grouped(count)) events"
    }

    /// `1,204`.
    static func grouped(_ number: Int64) -> String {
        let digits = String(number.magnitude)
        var text = number < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return text
    }

    /// `812 B`, `1.0 MiB`.
    static func bytes(_ json: JSON?) -> String {
        let count = max(0, json?.intValue ?? 0)
        for (unit, size) in [("GiB", Int64(1) << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] where count >= size {
            return "\(tenths(Double(count) / Double(size))) \(unit)"
        }
        return "\(count) B"
    }

    /// Of milliseconds: `640 ms`, `2.8 s`.
    static func duration(_ json: JSON?) -> String {
        guard let milliseconds = json?.doubleValue, milliseconds >= 0, milliseconds < 1e15 else { return "?" }
        return milliseconds < 1000 ? "\(Int64(milliseconds.rounded())) ms" : "\(tenths(milliseconds / 1000)) s"
    }

    private static func tenths(_ value: Double) -> String {
        let tenths = Int64((value * 10).rounded())
        return "\(grouped(tenths / 10)).\(tenths % 10)"
    }
}
