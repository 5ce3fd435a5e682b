/// The publishes of one engine's link that have no answer yet, by number: each one's `ref`, whatever order their answers come in. Bounded as an HTTP
/// connection's ``PublishWindow``: while it is full the link is not read.
struct LinkPublishes {
    struct Waiting {
        /// As it was written; nil: none.
        let ref: [UInt8]?
        let isBatch: Bool
        let bytes: Int
    }

    private var places: [Waiting?] = []
    /// Places before it are done.
    private var head = 0
    /// The number of the place at `head`.
    private var first: UInt64 = 0
    private(set) var count = 0
    private var bytes = 0

    /// Places that were left behind the first one, which waits still, are bounded too.
    private static let placesMax = 4 * PublishWindow.publishesMax

    var isFull: Bool {
        count >= PublishWindow.publishesMax || bytes >= PublishWindow.bytesMax || places.count - head >= Self.placesMax
    }

    mutating func enter(_ waiting: Waiting) -> UInt64 {
        places.append(waiting)
        count += 1
        bytes += waiting.bytes
        return first + UInt64(places.count - head - 1)
    }

    /// Nil where nothing waits under the number.
    mutating func leave(_ number: UInt64) -> Waiting? {
        guard number >= first, number - first < UInt64(places.count - head) else { return nil }
        let index = head + Int(number - first)
        guard let waiting = places[index] else { return nil }
        places[index] = nil
        count -= 1
        bytes -= waiting.bytes
        while head < places.count, places[head] == nil {
            head += 1
            first += 1
        }
        if head == places.count {
            places.removeAll(keepingCapacity: true)
            head = 0
        } else if head > PublishWindow.publishesMax, head > places.count / 2 {
            places.removeFirst(head)
            head = 0
        }
        return waiting
    }
}
