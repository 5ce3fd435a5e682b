/// The name of a session: 1 to 128 of `A-Za-z0-9._~-`, the characters a path segment carries without percent-encoding (RFC 3986 §2.3).
public struct SessionID: Sendable, Hashable, CustomStringConvertible, Comparable {
    /// The longest name, in bytes.
    public static let bytesMax = 128

    public let description: String

    /// - Throws: ``SessionIDError`` when `text` is empty, longer than 128 bytes, or holds any other character.
    public init(_ text: some StringProtocol) throws(SessionIDError) {
        let text = String(text)
        try self.init(bytes: text.utf8.span)
    }

    /// As above, of bytes that stand somewhere.
    package init(bytes: Span<UInt8>) throws(SessionIDError) {
        // Browsers and proxies take these out of a path (RFC 3986 §5.2.4): nobody could reach such a session.
        guard !bytes.isEqual(to: "."), !bytes.isEqual(to: "..") else { throw .dotSegment }
        for index in bytes.indices {
            guard Self.allows(bytes[index]) else { throw .characterNotAllowed(offset: index) }
            guard index < Self.bytesMax else { throw .tooLong }
        }
        guard !bytes.isEmpty else { throw .empty }
        description = unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }

    public static func < (left: SessionID, right: SessionID) -> Bool {
        left.description < right.description
    }

    private static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

/// Why a text is no ``SessionID``.
public enum SessionIDError: Error, Sendable, Equatable, CustomStringConvertible {
    case empty
    case tooLong
    /// `.` or `..`.
    case dotSegment
    /// `offset` counts bytes from 0.
    case characterNotAllowed(offset: Int)

    public var description: String {
        switch self {
        case .empty: "a session id has 1 to 128 characters, not none"
        case .tooLong: "a session id has at most 128 characters"
        case .dotSegment: "a session id is not . or .., which mean another folder in a path"
        case .characterNotAllowed(let offset): "a session id holds only A-Z a-z 0-9 . _ ~ - (byte \(offset))"
        }
    }
}
