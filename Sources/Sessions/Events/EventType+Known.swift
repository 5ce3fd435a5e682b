extension EventType {
    public static let sessionInitialized = EventType(unchecked: "session_initialized")
    public static let sessionCompleted = EventType(unchecked: "session_completed")
    public static let sessionPaused = EventType(unchecked: "session_paused")
    public static let sessionResumed = EventType(unchecked: "session_resumed")
    public static let candle = EventType(unchecked: "candle")
    public static let aiThinking = EventType(unchecked: "ai_thinking")
    public static let aiDecision = EventType(unchecked: "ai_decision")
    public static let positionOpened = EventType(unchecked: "position_opened")
    public static let positionClosed = EventType(unchecked: "position_closed")
    public static let positionUpdated = EventType(unchecked: "position_updated")
    public static let statsUpdate = EventType(unchecked: "stats_update")
    public static let countdownUpdate = EventType(unchecked: "countdown_update")
    public static let autoStopTriggered = EventType(unchecked: "auto_stop_triggered")
    public static let indicatorReadiness = EventType(unchecked: "indicator_readiness")
    public static let priceUpdate = EventType(unchecked: "price_update")
    public static let heartbeat = EventType(unchecked: "heartbeat")
    public static let error = EventType(unchecked: "error")

    /// The types in use, in an order that never changes: metric labels are indexed by it.
    package static let known: [EventType] = [
        sessionInitialized, sessionCompleted, sessionPaused, sessionResumed, candle, aiThinking, aiDecision, positionOpened, positionClosed,
        positionUpdated, statsUpdate, countdownUpdate, autoStopTriggered, indicatorReadiness, priceUpdate, heartbeat, error,
    ]

    /// The place in `known`, or `known.count` for any other type.
    package var metricIndex: Int { Self.metricIndex(of: rawValue.utf8.span) }

    /// As `metricIndex`, of a type's bytes where they stand.
    package static func metricIndex(of bytes: Span<UInt8>) -> Int {
        guard bytes.count <= bytesMax else { return known.count }
        var candidates = knownOfLength[bytes.count]
        while candidates != 0 {
            let index = candidates.trailingZeroBitCount
            if bytes.isEqual(toText: known[index].rawValue) { return index }
            candidates &= candidates &- 1
        }
        return known.count
    }

    /// By the length of a type, 0 to 64, a bit i for each `known[i]`: their lengths tell most of them from all others.
    private static let knownOfLength: InlineArray<65, UInt64> = {
        var places = InlineArray<65, UInt64>(repeating: 0)
        for (index, type) in known.enumerated() { places[type.rawValue.utf8.count] |= 1 << UInt64(index) }
        return places
    }()
}

extension EventType {
    package static let connected = EventType(unchecked: "connected")
    package static let conflated = EventType(unchecked: "conflated")
    package static let lost = EventType(unchecked: "lost")
    package static let closed = EventType(unchecked: "closed")

    /// What only the gateway says; publishing one is `RESERVED_TYPE`.
    package static let reserved: [EventType] = [connected, conflated, lost, closed]

    package static func isReserved(_ bytes: Span<UInt8>) -> Bool {
        bytes.isEqual(to: "connected") || bytes.isEqual(to: "conflated") || bytes.isEqual(to: "lost")
            || bytes.isEqual(to: "closed")
    }
}
