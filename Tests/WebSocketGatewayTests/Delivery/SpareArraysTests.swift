import Testing

@testable import WebSocketGateway

@Suite("Arrays for what each turn gathers")
struct SpareArraysTests {
    @Test func `one that was given back is taken again, empty and with its room`() {
        var spares = SpareArrays<Int>()
        #expect(spares.take().capacity == 0)
        var array = Array(1...40)
        spares.giveBack(&array)
        #expect(array.isEmpty && array.capacity == 0)
        let again = spares.take()
        #expect(again.isEmpty && again.capacity >= 40)
        #expect(spares.take().capacity == 0)
    }

    @Test func `large ones and more than enough are not kept`() {
        var spares = SpareArrays<Int>()
        var large = Array(0..<1000)
        spares.giveBack(&large)
        #expect(spares.take().capacity == 0)
        for _ in 0...SpareArrays<Int>.countMax {
            var array = [1]
            spares.giveBack(&array)
        }
        let kept = (0...SpareArrays<Int>.countMax).map { _ in spares.take() }.count { $0.capacity > 0 }
        #expect(kept == SpareArrays<Int>.countMax)
    }

    @Test func `one that somebody else holds is whole there`() {
        var spares = SpareArrays<Int>()
        var array = [1, 2, 3]
        let held = array
        spares.giveBack(&array)
        var other = spares.take()
        other.append(9)
        #expect(held == [1, 2, 3] && other == [9])
    }
}
