/// How much of one session is kept, where an engine asks for less than the gateway keeps of any. Nil: as the gateway is set.
public struct HistoryLimits: Sendable, Equatable {
    /// Events; 0 keeps none.
    public var eventsMax: Int?
    /// Memory of the kept events, in bytes; with a store, also what they take there.
    public var bytesMax: Int?
    /// An event older than this is kept no more. Counted in milliseconds.
    public var retention: Duration?

    public init(eventsMax: Int? = nil, bytesMax: Int? = nil, retention: Duration? = nil) {
        self.eventsMax = eventsMax
        self.bytesMax = bytesMax
        self.retention = retention
    }

    /// The names of the three in a session's JSON: what engines say, and what is stored of it.
    package enum Name: String, CaseIterable {
        case eventsMax = "max_history_events"
        case bytesMax = "max_history_bytes"
        case retention = "history_retention_ms"

        /// What any gateway may be set to.
        package var range: ClosedRange<Int64> {
            switch self {
            case .eventsMax: 0...10_000_000
            case .bytesMax: 4096...1_099_511_627_776
            case .retention: 10...10_000_000_000
            }
        }
    }

    package subscript(name: Name) -> Int64? {
        get {
            switch name {
            case .eventsMax: eventsMax.map(Int64.init)
            case .bytesMax: bytesMax.map(Int64.init)
            case .retention: retention.map(Self.milliseconds)
            }
        }
        set {
            switch name {
            case .eventsMax: eventsMax = newValue.map(Int.init(clamping:))
            case .bytesMax: bytesMax = newValue.map(Int.init(clamping:))
            case .retention: retention = newValue.map(Duration.milliseconds)
            }
        }
    }

    /// Whole milliseconds; of what is too long for them, their most.
    private static func milliseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        guard abs(seconds.quotientAndRemainder(dividingBy: 1_000_000).quotient) < 1_000_000_000 else { return seconds < 0 ? .min : .max }
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }

    /// As a stored registration has them. What is no limit is none: the store keeps the registration, and does not judge it.
    package init(registration: [UInt8]?) {
        guard let registration, let object = (try? JSON.parse(registration.span))?.objectValue else { return }
        for name in Name.allCases {
            guard let value = object[name.rawValue]?.intValue, name.range.contains(value) else { continue }
            self[name] = value
        }
    }
}
