import Sessions

/// Turns events into what is printed. Keeps what is on the terminal's last line, because thinking goes on there and a countdown rewrites it.
struct EventView {
    enum Style: Equatable {
        /// Every message as it came, one a line.
        case raw
        /// `timestamp<TAB>id<TAB>type<TAB>data`, for other programs.
        case fields
        case terminal(colors: Bool)
    }

    private enum OpenLine { case none, thinking, countdown }

    /// The longest known type, `session_initialized`, and one more.
    static let typeColumns = 20

    let style: Style
    private var openLine = OpenLine.none

    init(_ style: Style) { self.style = style }

    /// - Parameter columns: the terminal's width now; it may change any time.
    mutating func show(_ message: [UInt8], _ event: ReceivedEvent?, columns: Int) -> [UInt8] {
        switch (style, event) {
        case (.raw, _): SafeText.line(ofJSON: message.span, compact: false) + [UInt8(ascii: "\n")]
        case (.fields, let event?): Array(Self.fieldsLine(event).utf8)
        case (.terminal(let colors), let event?): Array(terminalText(event, columns, colors).utf8)
        case (_, nil): Array("?\t-\t?\t\(SafeText.escaped(String(decoding: message, as: UTF8.self)))\n".utf8)
        }
    }

    /// Ends a line that was left open, before something else is written or the program ends.
    mutating func finishLine() -> [UInt8] {
        defer { openLine = .none }
        return openLine == .none ? [] : [UInt8(ascii: "\n")]
    }

    private static func fieldsLine(_ event: ReceivedEvent) -> String {
        "\(SafeText.escaped(event.timestamp))\t\(event.id?.description ?? "-")\t\(SafeText.escaped(event.type))\t\(event.compactData)\n"
    }

    // MARK: Terminal

    private mutating func terminalText(_ event: ReceivedEvent, _ columns: Int, _ colors: Bool) -> String {
        let summary = EventSummary.text(event)
        if event.type == "ai_thinking", let text = event.data?["text"]?.stringValue {
            return thinking(event, SafeText.oneLine(text), isComplete: event.data?["is_complete"]?.boolValue ?? true, colors)
        }
        if event.type == "countdown_update", let summary {
            let front = openLine == .countdown ? Self.eraseLine : beginLine()
            openLine = .countdown
            return front + Self.line(event, Self.cut(summary, columns - Self.frontColumns), colors)
        }
        // Only what has a shape of its own may be wider than the terminal.
        let text = summary ?? Self.cut(event.compactData, columns - Self.frontColumns)
        return beginLine() + Self.line(event, text, colors) + "\n"
    }

    /// Pieces of a thought go on where the last one ended, until it is complete or something else is said.
    private mutating func thinking(_ event: ReceivedEvent, _ text: String, isComplete: Bool, _ colors: Bool) -> String {
        let line = openLine == .thinking ? text : beginLine() + Self.line(event, text, colors)
        openLine = isComplete ? .none : .thinking
        return isComplete ? line + "\n" : line
    }

    /// A thought that was interrupted stays; a countdown that is over goes.
    private mutating func beginLine() -> String {
        defer { openLine = .none }
        switch openLine {
        case .none: return ""
        case .thinking: return "\n"
        case .countdown: return Self.eraseLine
        }
    }

    private static let eraseLine = "\r\u{1B}[K"
    private static let frontColumns = 12 + 2 + typeColumns

    private static func line(_ event: ReceivedEvent, _ text: String, _ colors: Bool) -> String {
        let type = SafeText.escaped(event.type)
        let padded = type + String(repeating: " ", count: max(1, typeColumns - type.count))
        guard colors else { return "\(event.clock)  \(padded)\(text)" }
        return "\u{1B}[2m\(event.clock)\u{1B}[0m  \u{1B}[\(color(event.type))m\(padded)\u{1B}[0m\(text)"
    }

    /// Counts characters: a wide one takes two columns, and such a line wraps.
    private static func cut(_ text: String, _ columns: Int) -> String {
        let columns = max(16, columns)
        return text.count <= columns ? text : text.prefix(columns - 1) + "…"
    }

    /// SGR parameters, of the sixteen colours that every terminal has.
    private static func color(_ type: String) -> String {
        switch type {
        case "candle", "price_update": "36"
        case "ai_thinking": "35"
        case "ai_decision": "1;35"
        case "position_opened": "1;32"
        case "position_updated": "32"
        case "position_closed": "1;33"
        case "stats_update", "indicator_readiness": "34"
        case "session_initialized", "session_completed", "session_paused", "session_resumed": "1;36"
        case "error", "auto_stop_triggered", "lost": "1;31"
        case "conflated": "33"
        case "connected", "heartbeat", "countdown_update": "2"
        default: "0"
        }
    }
}
