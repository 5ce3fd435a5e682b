import Testing

@testable import WebSocketGateway

@Suite("A link's publishes without an answer")
struct LinkPublishesTests {
    private var publishes = LinkPublishes()

    private func waiting(_ ref: UInt8, bytes: Int = 1) -> LinkPublishes.Waiting {
        LinkPublishes.Waiting(ref: [ref], isBatch: false, bytes: bytes)
    }

    @Test mutating func `each is found by its number, in whatever order, and once`() {
        let numbers = (0..<5).map { publishes.enter(waiting(UInt8($0))) }
        for index in [3, 0, 4, 1, 2] {
            #expect(publishes.leave(numbers[index])?.ref == [UInt8(index)])
            #expect(publishes.leave(numbers[index]) == nil)
        }
        #expect(publishes.count == 0)
        #expect(publishes.leave(publishes.enter(waiting(9)))?.ref == [9])
        #expect(publishes.leave(.max) == nil)
    }

    @Test mutating func `it is full by number and by bytes`() {
        for number in 0..<PublishWindow.publishesMax {
            #expect(!publishes.isFull, "\(number)")
            _ = publishes.enter(waiting(0))
        }
        #expect(publishes.isFull)
        _ = publishes.leave(100)
        #expect(!publishes.isFull)
        _ = publishes.enter(waiting(1, bytes: PublishWindow.bytesMax))
        _ = publishes.leave(0)
        #expect(publishes.isFull)
    }

    @Test mutating func `one that waits for ever does not let the others pile up behind it`() {
        let first = publishes.enter(waiting(0))
        var count = 0
        while !publishes.isFull, count < 100_000 {
            _ = publishes.leave(publishes.enter(waiting(1)))
            count += 1
        }
        #expect(count < 5000)
        #expect(publishes.leave(first) != nil)
        #expect(!publishes.isFull)
    }

    @Test mutating func `numbers go on over many rounds`() {
        var last: UInt64?
        for round in 0..<5000 {
            let numbers = [publishes.enter(waiting(1)), publishes.enter(waiting(2)), publishes.enter(waiting(3))]
            if let last { #expect(numbers[0] == last + 1, "round \(round)") }
            last = numbers[2]
            for number in numbers.reversed() { #expect(publishes.leave(number) != nil) }
        }
    }
}
