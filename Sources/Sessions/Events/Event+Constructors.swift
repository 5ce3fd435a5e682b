/// The events of the existing system, under its names and with its fields. Data is never checked by type: engines publish
/// other shapes too, with ``Event/init(type:data:timestamp:key:)``.
extension Event {
    public static func sessionInitialized(sessionID: String, config: JSONObject) -> Event {
        Event(type: .sessionInitialized, data: ["session_id": .string(sessionID), "config": .object(config)])
    }

    public static func sessionCompleted(resultID: String, finalStats: JSONObject) -> Event {
        Event(type: .sessionCompleted, data: ["result_id": .string(resultID), "final_stats": .object(finalStats)])
    }

    public static func sessionPaused(_ data: JSONObject = [:]) -> Event {
        Event(type: .sessionPaused, data: data)
    }

    public static func sessionResumed(_ data: JSONObject = [:]) -> Event {
        Event(type: .sessionResumed, data: data)
    }

    public static func candle(_ candle: JSONObject, indicators: JSONObject) -> Event {
        Event(type: .candle, data: ["candle": .object(candle), "indicators": .object(indicators)])
    }

    public static func aiThinking(_ text: String, isComplete: Bool = false) -> Event {
        Event(type: .aiThinking, data: ["text": .string(text), "is_complete": .bool(isComplete)])
    }

    public static func aiDecision(_ decision: JSONObject) -> Event {
        Event(type: .aiDecision, data: decision)
    }

    public static func positionOpened(_ position: JSONObject) -> Event {
        Event(type: .positionOpened, data: position)
    }

    public static func positionClosed(_ trade: JSONObject) -> Event {
        Event(type: .positionClosed, data: trade)
    }

    public static func positionUpdated(_ position: JSONObject) -> Event {
        Event(type: .positionUpdated, data: position)
    }

    public static func statsUpdate(_ stats: JSONObject) -> Event {
        Event(type: .statsUpdate, data: stats)
    }

    /// - Parameters:
    ///   - secondsRemaining: seconds until the next candle.
    ///   - nextCandleTime: ISO 8601, as the engine writes it.
    public static func countdownUpdate(secondsRemaining: Int, nextCandleTime: String) -> Event {
        Event(
            type: .countdownUpdate,
            data: ["seconds_remaining": .int(Int64(secondsRemaining)), "next_candle_time": .string(nextCandleTime)])
    }

    public static func autoStopTriggered(reason: String, stats: JSONObject) -> Event {
        Event(type: .autoStopTriggered, data: ["reason": .string(reason), "stats": .object(stats)])
    }

    public static func indicatorReadiness(_ data: JSONObject) -> Event {
        Event(type: .indicatorReadiness, data: data)
    }

    public static func priceUpdate(_ data: JSONObject) -> Event {
        Event(type: .priceUpdate, data: data)
    }

    public static func heartbeat() -> Event {
        Event(type: .heartbeat, data: [:])
    }

    public static func error(code: String, message: String, details: JSONObject = [:]) -> Event {
        Event(type: .error, data: ["error_code": .string(code), "message": .string(message), "details": .object(details)])
    }
}
