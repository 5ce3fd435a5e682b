/// The masking of client frames (RFC 6455 §5.3): XOR with four bytes, over and over. It is its own inverse.
package enum Masking {
    /// Appends `payload` to `bytes`, each byte XORed with the key byte of its place. `offset` is the place of the first one
    /// in its frame's payload: a frame that arrives in pieces goes on where it was. `key` is in wire order, most significant byte first.
    package static func append(_ payload: Span<UInt8>, key: UInt32, offset: Int, to bytes: inout [UInt8]) {
        let word = keyWord(key, offset: offset)
        unsafe payload.withUnsafeBytes { source in
            bytes.append(addingCapacity: source.count) { output in
                unsafe output.withUnsafeMutableBufferPointer { target, initializedCount in
                    unsafe apply(word, from: source, to: UnsafeMutableRawBufferPointer(target))
                    initializedCount = source.count
                }
            }
        }
    }

    /// Eight bytes in memory order, beginning with the key's byte `offset % 4`.
    private static func keyWord(_ key: UInt32, offset: Int) -> UInt64 {
        let bits = UInt32(truncatingIfNeeded: offset & 3) * 8
        // Of a UInt32, `<<` and `>>` by 32 give 0: an offset of 0 needs no case of its own.
        let rotated = (key << bits | key >> (32 - bits)).bigEndian
        return UInt64(rotated) << 32 | UInt64(rotated)
    }

    /// Raw pointers and words: 11 GB/s at 4 KiB, where a span's bytes one by one make 2.3 and SIMD types far less.
    private static func apply(_ word: UInt64, from source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer) {
        let count = source.count
        guard count > 0, let from = source.baseAddress, let to = target.baseAddress else { return }
        precondition(target.count >= count, "the target holds what the source has")
        var index = 0
        while count - index >= 8 {
            let bytes = unsafe from.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            unsafe to.storeBytes(of: bytes ^ word, toByteOffset: index, as: UInt64.self)
            index += 8
        }
        unsafe withUnsafeBytes(of: word) { key in
            while index < count {
                let byte = unsafe from.load(fromByteOffset: index, as: UInt8.self)
                unsafe to.storeBytes(of: byte ^ key[index & 7], toByteOffset: index, as: UInt8.self)
                index += 1
            }
        }
    }
}
