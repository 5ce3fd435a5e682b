/// Composes bytes whose number is known beforehand, in one piece of memory. An array that grows by pieces asks with each whether it may, and a
/// message has ten.
///
/// Safe: every write is checked against the room that is left, and a writer does not outlive the call that its memory is for.
///
/// What other modules call is inlinable: a message is some thirty writes, most of them of a literal or a digit, and a call each would cost 600
/// instructions more.
@safe
@usableFromInline
package struct ByteWriter: ~Copyable {
    @usableFromInline
    var next: UnsafeMutablePointer<UInt8>
    @usableFromInline
    var room: Int

    @inlinable
    init(next: UnsafeMutablePointer<UInt8>, room: Int) {
        unsafe self.next = next
        self.room = room
    }

    /// The `count` bytes that `body` writes: not one more or less, which is ours to see to.
    @inlinable
    package static func compose(_ count: Int, _ body: (inout ByteWriter) -> Void) -> [UInt8] {
        // Array's initializer of uninitialized memory asks the runtime each time which class an array of bytes is: 350 instructions.
        var bytes: [UInt8] = []
        append(count, to: &bytes, body)
        return bytes
    }

    /// As ``compose(_:_:)``, behind what the array holds already.
    @inlinable
    package static func append(_ count: Int, to bytes: inout [UInt8], _ body: (inout ByteWriter) -> Void) {
        guard count > 0 else { return }
        bytes.append(addingCapacity: count) { output in
            unsafe output.withUnsafeMutableBufferPointer { memory, written in
                guard let start = memory.baseAddress else { preconditionFailure("memory of a size has a beginning") }
                var writer = unsafe ByteWriter(next: start, room: count)
                body(&writer)
                precondition(writer.room == 0, "fewer bytes were written than announced")
                written = count
            }
        }
    }

    /// As ``compose(_:_:)``, as a text: ASCII is written.
    package static func text(_ count: Int, _ body: (inout ByteWriter) -> Void) -> String {
        unsafe String(unsafeUninitializedCapacity: count) { memory in
            guard let start = memory.baseAddress, count > 0 else { return 0 }
            var writer = unsafe ByteWriter(next: start, room: count)
            body(&writer)
            precondition(writer.room == 0, "fewer bytes were written than announced")
            return count
        }
    }

    /// Appends what `body` writes, which is no more than `countMax` bytes.
    package static func append(atMost countMax: Int, to bytes: inout [UInt8], _ body: (inout ByteWriter) -> Void) {
        bytes.append(addingCapacity: countMax) { output in
            unsafe output.withUnsafeMutableBufferPointer { memory, written in
                guard let start = memory.baseAddress else { return }
                var writer = unsafe ByteWriter(next: start, room: countMax)
                body(&writer)
                written = countMax - writer.room
            }
        }
    }

    /// As ``compose(_:_:)``, in place of the last `count` bytes of an array that has them already.
    static func overwrite(last count: Int, of bytes: inout [UInt8], _ body: (inout ByteWriter) -> Void) {
        precondition(count > 0 && count <= bytes.count, "only what is there is overwritten")
        unsafe bytes.withUnsafeMutableBufferPointer { memory in
            guard let start = memory.baseAddress else { return }
            var writer = unsafe ByteWriter(next: start + memory.count - count, room: count)
            body(&writer)
            precondition(writer.room == 0, "fewer bytes were written than announced")
        }
    }

    @inlinable
    @inline(__always)
    mutating func advance(by count: Int) {
        unsafe next += count
        room &-= count
    }

    @inlinable
    @inline(__always)
    func check(_ count: Int) { precondition(count <= room, "more bytes are written than announced") }

    @inlinable
    @inline(__always)
    package mutating func write(_ byte: UInt8) {
        check(1)
        unsafe next.pointee = byte
        advance(by: 1)
    }

    /// The word's bytes, the lowest first.
    @inline(__always)
    mutating func write<Word: FixedWidthInteger & BitwiseCopyable>(word: Word) {
        check(MemoryLayout<Word>.size)
        unsafe UnsafeMutableRawPointer(next).storeBytes(of: word.littleEndian, as: Word.self)
        advance(by: MemoryLayout<Word>.size)
    }

    /// Inlined, so that a literal is a number or two to store.
    @inlinable
    @inline(__always)
    package mutating func write(ascii text: StaticString) {
        let count = text.utf8CodeUnitCount
        check(count)
        unsafe next.initialize(from: text.utf8Start, count: count)
        advance(by: count)
    }

    @inlinable
    @inline(__always)
    package mutating func write(copying bytes: Span<UInt8>) {
        check(bytes.count)
        unsafe bytes.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return }
            unsafe next.initialize(from: start, count: bytes.count)
        }
        advance(by: bytes.count)
    }

    @inlinable
    package mutating func write(text: String) { write(copying: text.utf8.span) }

    /// The lowest `count` of a word's eight bytes, the lowest first.
    @inline(__always)
    package mutating func write(characters word: UInt64, count: Int) {
        precondition(count >= 0 && count <= 8, "a word has 8 bytes")
        guard room >= 8 else {
            check(count)
            for index in 0..<count { unsafe next[index] = UInt8(truncatingIfNeeded: word >> (8 * index)) }
            return advance(by: count)
        }
        // All of it where there is room: what follows is written over the rest.
        unsafe UnsafeMutableRawPointer(next).storeBytes(of: word.littleEndian, as: UInt64.self)
        advance(by: count)
    }

    /// In ``ASCII/decimalDigits(_:)`` bytes.
    @inlinable
    @inline(__always)
    package mutating func write(decimal value: UInt64) {
        if value < 10 { return write(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value)) }
        write(ofTwoDigitsOrMore: value)
    }

    @usableFromInline
    mutating func write(ofTwoDigitsOrMore value: UInt64) {
        guard value < 10_000 else { return write(digits: value, count: ASCII.decimalDigits(value)) }
        let four = ASCII.digits(ofPairs: value / 100 | (value % 100) << 16)
        if value >= 1_000 {
            write(word: UInt32(truncatingIfNeeded: four))
        } else {
            if value >= 100 { write(UInt8(truncatingIfNeeded: four >> 8)) }
            write(word: UInt16(truncatingIfNeeded: four >> 16))
        }
    }

    /// The lowest `count` of the word's 16 hexadecimal digits, small.
    package mutating func write(hexadecimal word: UInt64, count: Int) {
        precondition(count <= 16, "a word has 16 digits")
        check(count)
        let digits: StaticString = "0123456789abcdef"
        var rest = word
        var index = count
        while index > 0 {
            index -= 1
            unsafe next[index] = digits.utf8Start[Int(rest & 15)]
            rest >>= 4
        }
        advance(by: count)
    }

    /// The last `count` digits of a number that is not negative.
    mutating func write(digits value: Int64, count: Int) { write(digits: UInt64(value), count: count) }

    /// Two at a time, from the last.
    private mutating func write(digits value: UInt64, count: Int) {
        check(count)
        var rest = value
        var index = count
        while index > 1 {
            index &-= 2
            let pair = UInt16(truncatingIfNeeded: ASCII.digits(ofPairs: rest % 100))
            unsafe UnsafeMutableRawPointer(next + index).storeBytes(of: pair.littleEndian, as: UInt16.self)
            rest /= 100
        }
        if index > 0 { unsafe next.pointee = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10) }
        advance(by: count)
    }
}
