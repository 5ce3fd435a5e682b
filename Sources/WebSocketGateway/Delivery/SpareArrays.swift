/// Empty arrays with room, which were used before: what is gathered in each turn needs no memory of its own then.
struct SpareArrays<Element> {
    /// Those with more room are not kept.
    static var elementsMax: Int { 64 }
    static var countMax: Int { 128 }

    private var arrays: [[Element]] = []

    mutating func take() -> [Element] { arrays.popLast() ?? [] }

    /// Leaves `array` empty.
    mutating func giveBack(_ array: inout [Element]) {
        var given: [Element] = []
        swap(&given, &array)
        guard given.capacity <= Self.elementsMax, arrays.count < Self.countMax else { return }
        given.removeAll(keepingCapacity: true)
        arrays.append(consume given)
    }
}
