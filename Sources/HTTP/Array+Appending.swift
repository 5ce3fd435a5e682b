/// Text and numbers as bytes, without a String in between.
extension [UInt8] {
    mutating func append(ascii text: StaticString) {
        text.withUTF8Buffer { text in unsafe append(contentsOf: text) }
    }

    /// `value` is not negative.
    mutating func append(decimal value: Int) {
        let start = count
        var rest = value
        repeat {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        // The digits came last first.
        var (left, right) = (start, count - 1)
        while left < right {
            swapAt(left, right)
            left += 1
            right -= 1
        }
    }
}
