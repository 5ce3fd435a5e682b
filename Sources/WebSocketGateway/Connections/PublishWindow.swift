/// What one engine connection has under way: published, and not yet delivered. While it is full the connection is not read, which bounds the
/// mailboxes too, and lets an engine that is faster than the gateway feel it.
struct PublishWindow {
    static let publishesMax = 512
    static let bytesMax = 8_388_608

    /// Body sizes, oldest first, those that left included until most have. Publishes to different sessions may settle in another order; only the sums
    /// matter.
    private var sizes: [Int] = []
    private var oldest = 0
    private var bytes = 0

    var isFull: Bool { sizes.count - oldest >= Self.publishesMax || bytes >= Self.bytesMax }

    mutating func enter(bytes size: Int) {
        sizes.append(size)
        bytes += size
    }

    mutating func leave() {
        guard oldest < sizes.count else { return }
        bytes -= sizes[oldest]
        oldest += 1
        if oldest == sizes.count {
            sizes.removeAll(keepingCapacity: true)
            oldest = 0
        } else if oldest > Self.publishesMax {
            sizes.removeFirst(oldest)
            oldest = 0
        }
    }
}
