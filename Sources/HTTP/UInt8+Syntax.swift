/// The character classes of RFC 9110 §5.6 and RFC 5234 §B.1 that decide what a byte may mean.
extension UInt8 {
    static let space = UInt8(ascii: " ")
    static let tab = UInt8(ascii: "\t")
    static let carriageReturn = UInt8(ascii: "\r")
    static let lineFeed = UInt8(ascii: "\n")
    static let colon = UInt8(ascii: ":")
    static let comma = UInt8(ascii: ",")

    /// Not allowed anywhere within a line: controls other than HTAB, and DEL. CR and LF are among them.
    var isControl: Bool { (self < 0x20 && self != .tab) || self == 0x7F }

    /// OWS = *( SP / HTAB )
    var isWhitespace: Bool { self == .space || self == .tab }

    var isDigit: Bool { self &- UInt8(ascii: "0") < 10 }

    /// VCHAR: visible ASCII, no space.
    var isVisible: Bool { self > 0x20 && self < 0x7F }

    private var isLetter: Bool { (self | 0x20) &- UInt8(ascii: "a") < 26 }

    /// tchar (RFC 9110 §5.6.2), looked up: digits and `!#$%&'*+-.` below 0x40, letters and ``^_`|~`` above.
    var isToken: Bool {
        let set: UInt64 = self < 0x40 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
        return self < 0x80 && set >> UInt64(self & 0x3F) & 1 == 1
    }

    /// What a reg-name may hold (RFC 3986 §3.2.2). `%` is left out: no name that resolves has one, and decoders disagree about it.
    var isRegisteredName: Bool {
        if isLetter || isDigit { return true }
        switch self {
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "!"), UInt8(ascii: "$"),
            UInt8(ascii: "&")...UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "="):
            return true
        default: return false
        }
    }

    /// The value of a hexadecimal digit of either case.
    var hexadecimalValue: UInt8? {
        if isDigit { return self &- UInt8(ascii: "0") }
        let offset = (self | 0x20) &- UInt8(ascii: "a")
        return offset < 6 ? offset &+ 10 : nil
    }

    var lowercased: UInt8 { self &- UInt8(ascii: "A") < 26 ? self | 0x20 : self }
}
