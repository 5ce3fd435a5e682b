import Testing

@testable import OpenSSL

@Suite struct TrafficKeyTests {
    private func key(_ sequence: UInt64 = 0) throws -> TrafficKey {
        try #require(TrafficKey(TraceOfRFC8448.key, TraceOfRFC8448.nonce, sequence: sequence))
    }

    private func nonce(_ key: TrafficKey) -> [UInt8] {
        unsafe key.use { _, nonce in unsafe Array(UnsafeBufferPointer(start: nonce, count: 12)) }
    }

    @Test func `the nonce is the fixed part and the record's number`() throws {
        let key = try key()
        let fixed = TraceOfRFC8448.nonce
        #expect(nonce(key) == fixed)
        #expect(nonce(key) == fixed.dropLast() + [fixed[11] ^ 1])
        #expect(nonce(try self.key(0x0102)) == fixed.dropLast(2) + [fixed[10] ^ 1, fixed[11] ^ 2])
        #expect(nonce(try self.key(1 << 56)) == fixed.prefix(4) + [fixed[4] ^ 1] + fixed.suffix(7))
    }

    @Test func `no nonce comes twice`() throws {
        let key = try key()
        var seen: Set<[UInt8]> = []
        for _ in 0..<10_000 { #expect(seen.insert(nonce(key)).inserted) }
    }

    @Test func `the key is handed out as it came`() throws {
        let bytes = unsafe try key().use { key, _ in unsafe Array(UnsafeBufferPointer(start: key, count: 16)) }
        #expect(bytes == TraceOfRFC8448.key)
    }

    @Test(arguments: [(15, 12), (17, 12), (16, 11), (16, 13), (0, 0)]) func `other counts of bytes are no key`(
        keyBytes: Int, nonceBytes: Int
    ) {
        let (key, nonce) = ([UInt8](repeating: 1, count: keyBytes), [UInt8](repeating: 2, count: nonceBytes))
        #expect(TrafficKey(key, nonce, sequence: 0) == nil)
    }

    @Test func `a key wears out after 2 to the power of 24 records`() throws {
        #expect(try !key().isWornOut)
        #expect(try !key((1 << 24) - 1).isWornOut)
        #expect(try key(1 << 24).isWornOut)
        let early = try key()
        early.wearOut()
        #expect(early.isWornOut)
    }

    @Test func `a change is seen by all who have the key`() throws {
        let key = try key(77)
        let other = [UInt8](repeating: 9, count: 16)
        key.change(to: try #require(TrafficKey(other, [UInt8](repeating: 0, count: 12), sequence: 0)))
        let bytes = unsafe key.use { key, _ in unsafe Array(UnsafeBufferPointer(start: key, count: 16)) }
        #expect(bytes == other)
        #expect(nonce(key) == [UInt8](repeating: 0, count: 11) + [1])
    }

    @Test func `the last number of all is never used`() async {
        await #expect(processExitsWith: .failure) {
            let key = TrafficKey([UInt8](repeating: 1, count: 16), [UInt8](repeating: 1, count: 12), sequence: .max)!
            unsafe key.use { _, _ in }
        }
    }
}
