internal import CZlib

/// Compresses messages for one class of clients (RFC 7692 §7.2.1), each on its own. One for each worker and class, as its 37 or 24 KiB
/// and the 70 µs of setting it up are too much for each connection or message. Belongs to its worker's thread.
///
/// Flow: event → **Deflater** → FrameEncoder
@safe
package final class Deflater {
    /// Of levels 1 to 3 at memory levels 1 to 8 on candles: 3 saves 0.5 % of bytes more for 7 % more time; less memory than level 5
    /// compresses worse in more time, more gains nothing. µs and what is left, by level, with 12 bits | 9 bits:
    ///
    ///              235 B                     1,080 B                     4,082 B
    ///     1     7.9  70.7 % |  8.0  70.7 %   21.3  55.2 % | 22.7  57.8 %   42.5  32.0 % | 55.6  33.3 %
    ///     2     8.0  70.6 % |  8.0  70.6 %   21.2  55.1 % | 23.0  57.7 %   44.0  31.6 % | 56.3  33.3 %
    ///     3     8.1  70.6 % |  8.0  70.6 %   21.6  55.0 % | 22.5  57.6 %   45.5  31.5 % | 56.8  33.2 %
    private static let level: Int32 = 1
    private static let memoryLevel: Int32 = 5

    /// The empty block that ends a flush; not sent, as it is always the same (§7.2.1).
    static let tail: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]

    /// Never moved: zlib's state points back at it.
    private let stream: UnsafeMutablePointer<z_stream>

    /// nil when memory is short.
    package init?(_ deflateClass: DeflateClass) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // Negative bits: raw DEFLATE, without zlib's header.
        guard unsafe wsg_deflate_init(stream, Self.level, -deflateClass.windowBits, Self.memoryLevel) == Z_OK else {
            unsafe stream.deallocate()
            return nil
        }
        unsafe self.stream = unsafe stream
    }

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// The payload of a message with RSV1 set. nil when it would not be smaller than the message, or zlib failed: then the message
    /// is sent as it is. The array has the message's capacity: to be copied behind a frame header, not kept.
    package func deflate(_ message: Span<UInt8>) -> [UInt8]? {
        let capacity = message.count + Self.tail.count
        guard capacity <= UInt32.max, unsafe deflateReset(stream) == Z_OK else { return nil }
        var isWhole = false
        var compressed = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { target, count in
            isWhole = unsafe message.withUnsafeBufferPointer { unsafe flush($0, into: target) }
            count = unsafe capacity - Int(stream.pointee.avail_out)
        }
        guard isWhole, compressed.suffix(Self.tail.count).elementsEqual(Self.tail) else { return nil }
        compressed.removeLast(Self.tail.count)
        return compressed
    }

    /// Whether it fitted with room to spare, which is also how zlib says that the flush is complete. The target is longer than the message
    /// by the tail: what fits is smaller.
    private func flush(_ message: UnsafeBufferPointer<UInt8>, into target: UnsafeMutableBufferPointer<UInt8>) -> Bool {
        unsafe stream.pointee.next_in = message.baseAddress
        unsafe stream.pointee.avail_in = UInt32(message.count)
        unsafe stream.pointee.next_out = target.baseAddress
        unsafe stream.pointee.avail_out = UInt32(target.count)
        return unsafe CZlib.deflate(stream, Z_SYNC_FLUSH) == Z_OK && stream.pointee.avail_out > 0
    }
}
