internal import Synchronization

/// One worker's numbers. The worker alone writes, anybody may read at any time: each cell is a relaxed atomic, so a reader never waits for
/// a worker and a worker pays no locked instruction.
///
/// `@unchecked Sendable`: the cells are atomics; the pointer to them never changes.
@safe
final class Counters: @unchecked Sendable {
    private let cells: UnsafeMutablePointer<Atomic<UInt64>>
    private let count: Int
    /// ``Metric/starts``, where each count need not ask first whether they are made.
    private let starts: [Int]

    init() {
        starts = Metric.starts
        count = starts[Metric.allCases.count]
        unsafe cells = .allocate(capacity: count)
        for i in 0..<count { unsafe (cells + i).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe cells.deinitialize(count: count)
        unsafe cells.deallocate()
    }

    /// Adds on the owning worker's thread; `label` is the position in the row's values.
    func add(_ metric: Metric, label: Int = 0, _ amount: UInt64 = 1) {
        let index = starts[metric.rawValue] + label
        precondition(index < starts[metric.rawValue + 1], "a label is outside its metric's values")
        let cell = unsafe cells + index
        unsafe cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    /// Gauges go down by it; the sum over workers is read as a signed number.
    func subtract(_ metric: Metric, label: Int = 0, _ amount: UInt64 = 1) { add(metric, label: label, 0 &- amount) }

    /// Records `times` observations of the same duration.
    func observe(_ metric: Metric, label: Int = 0, nanoseconds: UInt64, times: UInt64 = 1) {
        guard times > 0 else { return }
        let bounds = Metric.bucketsNanoseconds
        let bucket = bounds.firstIndex { nanoseconds <= $0 } ?? bounds.count
        let first = label * Metric.histogramCells
        add(metric, label: first + bucket, times)
        add(metric, label: first + bounds.count + 1, nanoseconds &* times)
    }

    func value(_ metric: Metric, label: Int = 0) -> UInt64 {
        let index = starts[metric.rawValue] + label
        precondition(index < starts[metric.rawValue + 1], "a label is outside its metric's values")
        return unsafe cells[index].load(ordering: .relaxed)
    }

    // MARK: The loop's pulse

    /// When the worker last finished a turn, in monotonic nanoseconds.
    let lastTurn = Atomic<UInt64>(0)
}
