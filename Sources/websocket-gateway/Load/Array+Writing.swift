/// Text and numbers as bytes, without a String in between.
extension [UInt8] {
    mutating func append(text: StaticString) {
        text.withUTF8Buffer { text in unsafe append(contentsOf: text) }
    }

    mutating func append(decimal value: UInt64) {
        var digits = 1
        var rest = value
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        append(digits: value, count: digits)
    }

    /// The last `count` digits of `value`, with zeros in front where it has fewer.
    mutating func append(digits value: UInt64, count digits: Int) {
        append(contentsOf: repeatElement(UInt8(ascii: "0"), count: digits))
        var rest = value
        for index in (count - digits..<count).reversed() {
            self[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    /// A number of so many decimals, given without its point: `append(fixed: -12_345, decimals: 2)` is -123.45.
    mutating func append(fixed value: Int, decimals: Int) {
        if value < 0 { append(UInt8(ascii: "-")) }
        var unit: UInt64 = 1
        for _ in 0..<decimals { unit *= 10 }
        append(decimal: UInt64(value.magnitude) / unit)
        guard decimals > 0 else { return }
        append(UInt8(ascii: "."))
        append(digits: UInt64(value.magnitude) % unit, count: decimals)
    }
}
