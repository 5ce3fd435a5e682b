import Sessions

/// One session of a load run: what its publisher and its readers must agree about.
final class LoadSession {
    let index: Int
    let id: SessionID
    /// The stream's last sequence before the first event of ours; the first connection to be let in learns it.
    var base: UInt64?
    /// Its stream's epoch, in its bytes; empty until known.
    var epoch: [UInt8] = []
    var published: UInt64 = 0
    /// Events with a receipt: these every reader must get.
    var acknowledged: UInt64 = 0

    init(index: Int, id: SessionID) {
        self.index = index
        self.id = id
    }

    /// Its stream begins with this run: we give the ids. Every session has an epoch of its own, so that an event of one that came to another
    /// is seen to be none of its.
    func beginStream() {
        base = 0
        var generator = SystemRandomNumberGenerator()
        epoch = Array(Epoch.random(using: &generator).description.utf8)
    }

    /// Adopts the first epoch seen; false for any other.
    func isOurs(_ epoch: Span<UInt8>) -> Bool {
        guard !self.epoch.isEmpty else {
            self.epoch = epoch.indices.map { epoch[$0] }
            return true
        }
        guard epoch.count == self.epoch.count else { return false }
        for index in epoch.indices where epoch[index] != self.epoch[index] { return false }
        return true
    }
}
