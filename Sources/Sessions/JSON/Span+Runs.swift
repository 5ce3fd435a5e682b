/// A kind of bytes that stand in runs, told apart sixteen at a time.
protocol ByteRun {
    /// Signed, as vectors compare them: bytes from 0x80 on are negative.
    typealias Block = SIMD16<Int8>

    /// All ones at each byte that is of another kind.
    ///
    /// The type of every constant in it is spelled out: where it is inferred, operators over any vector are chosen, and compare byte by byte.
    static func ends(_ block: Block) -> SIMDMask<Block>
}

/// Bytes of a JSON string that mean themselves: ASCII but quotes, backslashes and control characters.
enum PlainText: ByteRun {
    @inline(__always)
    static func ends(_ block: Block) -> SIMDMask<Block> {
        (block .< Block(repeating: 0x20)) .| (block .== Block(repeating: 0x22)) .| (block .== Block(repeating: 0x5C))
    }
}

/// `0` to `9`.
enum Digits: ByteRun {
    @inline(__always)
    static func ends(_ block: Block) -> SIMDMask<Block> {
        (block .< Block(repeating: 0x30)) .| (block .> Block(repeating: 0x39))
    }
}

extension Span<UInt8> {
    /// The first index from `start` on whose byte is of another kind; `count` where all that is left is of this one.
    ///
    /// Inlined for the first sixteen bytes, which nearly every key and number ends in. Each load is checked against the span's bounds; it is
    /// `unsafe` for its type alone, and every bit pattern is sixteen bytes.
    @inline(__always)
    func end<Run: ByteRun>(of run: Run.Type, from start: Int) -> Int {
        guard count &- start >= 16 else { return endOfTail(of: run, from: start) }
        let length = Self.length(run, unsafe bytes.unsafeLoadUnaligned(fromByteOffset: start, as: SIMD16<Int8>.self))
        return length < 16 ? start &+ length : endOfRest(of: run, from: start &+ 16)
    }

    @inline(never)
    private func endOfRest<Run: ByteRun>(of run: Run.Type, from start: Int) -> Int {
        var index = start
        while count &- index >= 16 {
            let block = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: index, as: SIMD16<Int8>.self)
            let ends = Self.ends(run, block)
            guard ends[0] | ends[1] == 0 else { return index &+ Self.length(before: ends) }
            index &+= 16
        }
        return endOfTail(of: run, from: index)
    }

    /// As above where fewer than sixteen bytes are left: zeros follow them.
    @inline(never)
    private func endOfTail<Run: ByteRun>(of run: Run.Type, from start: Int) -> Int {
        let left = count - start
        guard left > 0 else { return count }
        var block: UInt128 = 0
        if count >= 16 {
            // The last sixteen, without those before `start`.
            let last = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: count &- 16, as: UInt128.self)
            block = UInt128(littleEndian: last) >> ((16 &- left) &* 8)
        } else {
            for index in (start..<count).reversed() { block = block << 8 | UInt128(self[index]) }
        }
        return start &+ Swift.min(left, Self.length(run, unsafe unsafeBitCast(block.littleEndian, to: SIMD16<Int8>.self)))
    }

    /// How many of the block's bytes the run has: 16 if all.
    @inline(__always)
    private static func length<Run: ByteRun>(_ run: Run.Type, _ block: SIMD16<Int8>) -> Int { length(before: ends(run, block)) }

    @inline(__always)
    private static func ends<Run: ByteRun>(_ run: Run.Type, _ block: SIMD16<Int8>) -> SIMD2<UInt64> {
        unsafe unsafeBitCast(run.ends(block), to: SIMD2<UInt64>.self)
    }

    @inline(__always)
    private static func length(before ends: SIMD2<UInt64>) -> Int {
        let low = UInt64(littleEndian: ends[0])
        if low != 0 { return low.trailingZeroBitCount >> 3 }
        return 8 &+ UInt64(littleEndian: ends[1]).trailingZeroBitCount >> 3
    }
}
