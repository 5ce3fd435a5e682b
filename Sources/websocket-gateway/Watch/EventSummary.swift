import Sessions

/// What an event's data says, in one line for people. Engines publish several shapes of a type; what is not known is shown as it is.
enum EventSummary {
    /// nil where the data has no shape we know for this type: then its JSON is the best there is.
    static func text(_ event: ReceivedEvent) -> String? {
        guard let data = event.data?.objectValue else { return nil }
        switch event.type {
        case "candle": return candle(data)
        case "ai_thinking": return data["text"]?.stringValue.map(SafeText.oneLine) ?? fields(data, first: ["status"])
        case "ai_decision": return decision(data)
        case "position_opened", "position_updated", "position_closed":
            return fields(unwrapped(data, ["position", "trade"]), first: positionKeys)
        case "stats_update": return fields(unwrapped(data, ["stats"]), first: statsKeys)
        case "session_initialized", "session_paused", "session_resumed": return fields(data, first: ["session_id"])
        case "session_completed": return fields(data, first: ["result_id"])
        case "auto_stop_triggered": return fields(data, first: ["reason"])
        case "price_update": return fields(data, first: ["symbol", "price"])
        case "countdown_update": return countdown(data)
        case "error": return error(data)
        case "connected": return connected(data)
        case "heartbeat": return fields(data, first: ["last_id", "delivered"])
        case "conflated": return data["ranges"].map { "left out by policy: \($0.encoded)" }
        case "lost": return fields(data, first: ["first_id", "last_id"])
        default: return nil
        }
    }

    private static let positionKeys = [
        "symbol", "action", "side", "type", "size", "quantity", "entry_price", "exit_price", "current_price", "pnl", "unrealized_pnl",
        "pnl_percent", "pnl_pct", "reason", "close_reason",
    ]
    private static let statsKeys = [
        "equity", "current_equity", "total_pnl", "pnl", "total_pnl_pct", "win_rate", "total_trades", "max_drawdown",
    ]

    // MARK: Types

    private static let prices: [(label: String, keys: [String])] = [
        ("o", ["open", "o"]), ("h", ["high", "h"]), ("l", ["low", "l"]), ("c", ["close", "c"]), ("v", ["volume", "v"]),
    ]

    /// Both shapes: `{candle:{open…}, indicators}` and `{candle_index, open…, indicators}`.
    private static func candle(_ data: JSONObject) -> String? {
        let candle = data["candle"]?.objectValue ?? data
        let shown = prices.compactMap { label, keys in keys.lazy.compactMap { candle[$0] }.first.map { "\(label) \(value($0))" } }
        guard !shown.isEmpty else { return nil }
        var parts = shown
        if let index = data["candle_index"] ?? candle["candle_index"] { parts.insert("#\(value(index))", at: 0) }
        let indicators = (data["indicators"] ?? candle["indicators"])?.objectValue
        if let indicators, !indicators.isEmpty { parts.append("| " + fields(indicators, first: [])) }
        return parts.joined(separator: "  ")
    }

    private static func decision(_ data: JSONObject) -> String {
        let data = unwrapped(data, ["decision"])
        guard let reasoning = (data["reasoning"] ?? data["reason"])?.stringValue else {
            return fields(data, first: ["action", "confidence"])
        }
        var rest = data
        rest["reasoning"] = nil
        rest["reason"] = nil
        return fields(rest, first: ["action", "decision", "confidence"]) + "  \"" + SafeText.oneLine(reasoning) + "\""
    }

    private static func countdown(_ data: JSONObject) -> String? {
        guard let seconds = data["seconds_remaining"]?.doubleValue, seconds >= 0, seconds < 1e9 else { return nil }
        let whole = Int(seconds)
        let next = data["next_candle_time"]?.stringValue.map { "  next candle " + SafeText.escaped($0) } ?? ""
        return "\(twoDigits(whole / 60)):\(twoDigits(whole % 60))\(next)"
    }

    private static func error(_ data: JSONObject) -> String {
        let code = data["error_code"].map { value($0) + ": " } ?? ""
        let message = data["message"].map(value) ?? data["error"].map(value) ?? ""
        let details = data["details"]?.objectValue.map { $0.isEmpty ? "" : "  " + fields($0, first: []) } ?? ""
        let text = code + message + details
        return text.isEmpty ? fields(data, first: []) : text
    }

    private static func connected(_ data: JSONObject) -> String {
        var text = "as \(value(data["connection_id"] ?? .null)), the stream is at \(value(data["last_id"] ?? .null))"
        if let recovered = data["resume"]?["recovered"]?.boolValue { text += recovered ? ", resumed" : ", NOT resumed" }
        return text
    }

    // MARK: Values

    /// `name value` of every member that is a plain value, the `first` ones first; objects within by `name.member`, one level deep.
    static func fields(_ object: JSONObject, first: [String]) -> String {
        var parts: [String] = []
        func add(_ name: String, _ json: JSON) {
            switch json {
            case .object(let inner):
                for (key, member) in inner.members { parts.append("\(SafeText.escaped(name)).\(SafeText.escaped(key)) \(value(member))") }
            default: parts.append("\(SafeText.escaped(name)) \(value(json))")
            }
        }
        for key in first { if let json = object[key] { add(key, json) } }
        for (key, json) in object.members where !first.contains(key) { add(key, json) }
        return parts.joined(separator: "  ")
    }

    static func value(_ json: JSON) -> String {
        switch json {
        case .null: "-"
        case .bool(let bool): bool ? "yes" : "no"
        case .int(let int): String(int)
        case .double(let double): number(double)
        case .string(let string): SafeText.oneLine(string)
        case .array, .object: SafeText.escaped(json.encoded)
        }
    }

    /// Four decimals, eight for what is smaller than 1: enough for any price, short enough for a line.
    static func number(_ value: Double) -> String {
        guard value.isFinite, value.magnitude < 1e15 else { return value.description }
        let decimals = value.magnitude >= 1 ? 4 : 8
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        guard value.magnitude < 1e11 else { return String(Int64(value.rounded())) }
        let scaled = Int64((value.magnitude * scale).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        let (whole, fraction) = scaled.quotientAndRemainder(dividingBy: Int64(scale))
        guard fraction > 0 else { return "\(sign)\(whole)" }
        var digits = String(fraction)
        digits = String(repeating: "0", count: decimals - digits.count) + digits
        while digits.last == "0" { digits.removeLast() }
        return "\(sign)\(whole).\(digits)"
    }

    private static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : String(value) }

    /// The object under the one key of the constructors' shape, or the flat one.
    private static func unwrapped(_ data: JSONObject, _ keys: [String]) -> JSONObject {
        guard data.count == 1 else { return data }
        return keys.lazy.compactMap { data[$0]?.objectValue }.first ?? data
    }
}
