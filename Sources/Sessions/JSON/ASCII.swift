/// Digits as ASCII writes them.
@usableFromInline
package enum ASCII {
    /// 0 to 15, or nil when `byte` is no hexadecimal digit of either case.
    static func hexadecimalValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// How many digits `value` has in base ten.
    @inlinable
    package static func decimalDigits(_ value: UInt64) -> Int {
        var count = 1
        var rest = value
        while true {
            if rest < 10 { return count }
            if rest < 100 { return count + 1 }
            if rest < 1_000 { return count + 2 }
            if rest < 10_000 { return count + 3 }
            rest /= 10_000
            count += 4
        }
    }

    /// Eight digits, the first in the lowest byte, of four numbers of 0 to 99, the first in the lowest 16 bits.
    @inline(__always)
    static func digits(ofPairs pairs: UInt64) -> UInt64 {
        // v * 103 / 1024 is v / 10 up to 178, and no product leaves its 16 bits.
        let tens = (pairs &* 103) >> 10 & 0x000F_000F_000F_000F
        let ones = pairs &- tens &* 10
        return (tens | ones << 8) &+ 0x3030_3030_3030_3030
    }
}
