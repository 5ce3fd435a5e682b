import Logging
import Synchronization

/// The least that the process logs. Shared by its loggers, and read by each line.
final class LogLevel: Sendable {
    private let position: Atomic<Int>

    init(_ value: Logger.Level) { position = Atomic(value.position) }

    var value: Logger.Level {
        get { Logger.Level.allCases[position.load(ordering: .relaxed)] }
        set { position.store(newValue.position, ordering: .relaxed) }
    }
}

extension Logger.Level {
    /// Among all of them, from trace to critical.
    fileprivate var position: Int { Self.allCases.firstIndex(of: self)! }
}
