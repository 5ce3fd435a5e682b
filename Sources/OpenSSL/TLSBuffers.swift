/// Room that the sessions of one thread use in turn, so that none of them keeps any while it is idle. Not Sendable: one for each loop.
@safe
package final class TLSBuffers {
    /// What one read from a socket holds can never be more than this in plaintext.
    static let plaintextBytes = 65_536

    /// Made with the first session that reads.
    private(set) lazy var plaintext: UnsafeMutableBufferPointer<UInt8> = {
        hasPlaintext = true
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: Self.plaintextBytes)
        unsafe buffer.initialize(repeating: 0)
        return unsafe buffer
    }()
    private var hasPlaintext = false
    /// Made with the first session that seals its records by it. Nil when memory is short.
    package private(set) lazy var sealer = RecordSealer()
    /// An output that was sent whole, for the next.
    private var spare: [UInt8] = []

    package init() {}

    deinit { if hasPlaintext { unsafe plaintext.deallocate() } }

    func takeOutput() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &spare)
        return taken
    }

    func giveBack(_ output: inout [UInt8]) {
        if spare.capacity == 0, output.capacity <= Self.plaintextBytes {
            output.removeAll(keepingCapacity: true)
            swap(&output, &spare)
        }
        output = []
    }
}
