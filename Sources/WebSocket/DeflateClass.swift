/// What a client's inflater can take, in two classes: a broadcast event is compressed at most once for each and its bytes are shared.
package enum DeflateClass: UInt8, Sendable, CaseIterable {
    /// Nearly everybody. A larger window gains nothing on messages of a few kilobytes: 4 KB of candles shrink to 31.7 % with 15 bits,
    /// to 32.0 % with 12.
    case window12
    /// Whoever asks for 9, 10 or 11 bits.
    case window9

    /// The LZ77 sliding window is two to the power of this many bytes (RFC 7692 §7.1.2).
    package var windowBits: Int32 {
        switch self {
        case .window12: 12
        case .window9: 9
        }
    }
}
