/// Text and numbers as bytes, without a String in between.
extension [UInt8] {
    package mutating func append(ascii text: StaticString) {
        text.withUTF8Buffer { text in unsafe append(contentsOf: text) }
    }

    package mutating func append(text: String) {
        append(copying: text.utf8.span)
    }

    /// By pointer, the one way to append a span at once: a loop over its bytes makes composing a message 1.5 times as slow.
    mutating func append(copying span: Span<UInt8>) {
        unsafe span.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }

    package mutating func append(decimal value: UInt64) {
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
