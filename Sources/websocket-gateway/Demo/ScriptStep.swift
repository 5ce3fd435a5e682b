import Sessions

/// One event of a synthetic engine, and how long after the previous one it is published.
struct ScriptStep: Sendable, Equatable {
    let delay: Duration
    let event: Event
}

/// Collects the steps of one candle. Each agent speaks alike, whatever session it belongs to.
struct StepBuilder: Sendable {
    /// Between two pieces of streamed thinking.
    static let thinkingInterval: Duration = .milliseconds(60)
    private static let wordsPerPiece = 4

    private(set) var steps: [ScriptStep] = []
    /// The delays of `steps` together.
    private(set) var duration: Duration = .zero

    mutating func add(after delay: Duration = .zero, _ event: Event) {
        steps.append(ScriptStep(delay: delay, event: event))
        duration += delay
    }

    /// Thinking piece by piece, the decision, and what it does to the account.
    mutating func add(_ decision: Decision, candle: Int, time: Timestamp, _ account: inout Account) {
        add(after: Self.thinkingInterval, Event(type: .aiThinking, data: ["status": "thinking", "candle_index": .int(Int64(candle))]))
        let pieces = Self.pieces(decision.reasoning)
        for (index, piece) in pieces.enumerated() {
            add(after: Self.thinkingInterval, .aiThinking(piece, isComplete: index == pieces.count - 1))
        }
        add(after: Self.thinkingInterval, .aiDecision(decision.data))
        switch decision.action {
        case .open(let side, let stop, let target, let percent):
            add(.positionOpened(account.open(side, percent: percent, stopLoss: stop, takeProfit: target, time: time).data))
        case .close:
            if let trade = account.close(.decision, time: time) { add(.positionClosed(trade.data)) }
        case .hold: break
        }
    }

    /// Some words each; together they are the text.
    static func pieces(_ text: String) -> [String] {
        let words = text.split(separator: " ")
        return stride(from: 0, to: words.count, by: wordsPerPiece).map { start in
            let end = min(start + wordsPerPiece, words.count)
            return words[start..<end].joined(separator: " ") + (end < words.count ? " " : "")
        }
    }
}
