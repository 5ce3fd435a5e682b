internal import Sessions

/// The `state` in the file's `meta`: who writes it, or that nobody does. What it says when the file is opened is how the process before ended.
enum HistoryState: String {
    /// Ended by `close`: everything is there.
    case closed
    /// Under way, and everything that anybody saw is there.
    case commit
    /// Under way, and the last events that were delivered may be missing.
    case relaxed

    /// While a process writes. Where events may be missing they may be until the sessions have begun in their new epochs, whatever this process promises.
    init(writing durability: Durability, after last: HistoryState) {
        self = durability == .commit && last != .relaxed ? .commit : .relaxed
    }
}
