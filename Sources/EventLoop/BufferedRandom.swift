internal import CLibuv

/// The system's random numbers, fetched 512 at a time: a connection needs three, and each would be a call to the kernel. For one thread; as unpredictable as the system's own.
package struct BufferedRandom: RandomNumberGenerator {
    private static let count = 512
    private var numbers: [UInt64] = []

    package init() {}

    package mutating func next() -> UInt64 {
        if numbers.isEmpty { refill() }
        return numbers.removeLast()
    }

    private mutating func refill() {
        numbers = Array(repeating: 0, count: Self.count)
        let status = unsafe numbers.withUnsafeMutableBytes { unsafe uv_random(nil, nil, $0.baseAddress, $0.count, 0, nil) }
        guard status < 0 else { return }
        // No system that this runs on is without; the standard library's generator would know how to wait for it.
        var system = SystemRandomNumberGenerator()
        for index in numbers.indices { numbers[index] = system.next() }
    }
}
