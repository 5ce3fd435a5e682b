internal import Synchronization

/// One worker's numbers. The worker alone writes, anybody may read at any time: each cell is a relaxed atomic, so a reader never waits for
/// a worker and a worker pays no locked instruction.
///
/// `@unchecked Sendable`: the cells are atomics; the pointer to them never changes.
@safe
final class Counters: @unchecked Sendable {
    /// For whoever counts; valid as long as this lives, which for a worker's the board sees to.
    let cells: CounterCells

    init() { cells = CounterCells(Metric.starts) }

    deinit { cells.free() }

    func add(_ metric: Metric, label: Int = 0, _ amount: UInt64 = 1) { cells.add(metric, label: label, amount) }

    func subtract(_ metric: Metric, label: Int = 0, _ amount: UInt64 = 1) { cells.subtract(metric, label: label, amount) }

    func observe(_ metric: Metric, label: Int = 0, nanoseconds: UInt64, times: UInt64 = 1) {
        cells.observe(metric, label: label, nanoseconds: nanoseconds, times: times)
    }

    func value(_ metric: Metric, label: Int = 0) -> UInt64 { cells.value(metric, label: label) }

    // MARK: The loop's pulse

    /// When the worker last finished a turn, in monotonic nanoseconds.
    let lastTurn = Atomic<UInt64>(0)
}

/// The cells of ``Counters``, by value: counting a dozen things of a connection, or half a dozen of an event, then touches no reference count.
@safe
struct CounterCells {
    private let cells: UnsafeMutablePointer<Atomic<UInt64>>
    /// ``Metric/starts``, where each count need not ask first whether they are made.
    private let starts: UnsafeMutablePointer<Int>

    fileprivate init(_ starts: [Int]) {
        let count = starts[Metric.allCases.count]
        unsafe self.starts = .allocate(capacity: starts.count)
        for (i, start) in starts.enumerated() { unsafe (self.starts + i).initialize(to: start) }
        unsafe cells = .allocate(capacity: count)
        for i in 0..<count { unsafe (cells + i).initialize(to: Atomic(0)) }
    }

    fileprivate func free() {
        unsafe cells.deinitialize(count: starts[Metric.allCases.count])
        unsafe cells.deallocate()
        unsafe starts.deallocate()
    }

    /// Where the label's cell is.
    private func index(_ metric: Metric, _ label: Int) -> Int {
        // A metric's raw value is its place among all of them, and one more start follows the last.
        let index = unsafe starts[metric.rawValue] + label
        unsafe precondition(label >= 0 && index < starts[metric.rawValue + 1], "a label is outside its metric's values")
        return index
    }

    /// Adds on the owning worker's thread; `label` is the position in the row's values.
    func add(_ metric: Metric, label: Int = 0, _ amount: UInt64 = 1) {
        let cell = unsafe cells + index(metric, label)
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

    func value(_ metric: Metric, label: Int = 0) -> UInt64 { unsafe cells[index(metric, label)].load(ordering: .relaxed) }
}
