internal import HTTP
internal import Sessions

/// The heads of an engine's publishes, as this connection has sent them before, and what was found when they were checked.
///
/// An engine's heads are alike but for the session and the digits of their length. One that stood before the same bytes again is known by
/// comparing it, with a few hundred instructions where reading and checking it costs 9,000. Whatever is not the same to the byte, longer by a digit, or
/// whose body is not all there is left to the parser.
struct PublishHeads {
    final class Known {
        /// Up to the digits of Content-Length, and what follows them.
        let start: [UInt8]
        let end: [UInt8]
        let digitsMax: Int
        let checked: EngineRoutes.Publish.Checked

        init(_ head: RequestHead.AroundLength, _ checked: EngineRoutes.Publish.Checked) {
            (start, end, digitsMax) = (head.start, head.end, head.digits)
            self.checked = checked
        }

        /// Where the body lies, if the head stands at `position` and the body is here.
        func body(_ bytes: Span<UInt8>, at position: Int, bytesMax: Int) -> Range<Int>? {
            let (start, end) = (start, end)
            guard bytes.count - position > start.count + end.count + digitsMax,
                bytes.extracting(position..<position + start.count).isIdentical(to: start.span)
            else { return nil }
            var index = position + start.count
            var length = 0
            var digits = 0
            while digits <= digitsMax, case let digit = bytes[index] &- UInt8(ascii: "0"), digit <= 9 {
                length = length * 10 + Int(digit)
                digits += 1
                index += 1
            }
            guard digits > 0, digits <= digitsMax, length > 0, length <= bytesMax,
                bytes.extracting(index..<index + end.count).isIdentical(to: end.span), length <= bytes.count - index - end.count
            else { return nil }
            return index + end.count..<index + end.count + length
        }
    }

    /// An engine publishes to a few sessions over one connection; of more the oldest are forgotten.
    static let countMax = 16
    /// Longer heads are rare, and kept for nobody. 15 digits of a length are far beyond any limit.
    static let headBytesMax = 1024
    static let digitsMax = 15

    private var known: [Known] = []
    /// Where the next one is looked for first: engines go through their sessions in turn.
    private var expected = 0
    private var oldest = 0

    /// The publish that stands whole at `position`, if its head is known.
    mutating func find(_ bytes: Span<UInt8>, at position: Int, bodyBytesMax: Int) -> (head: Known, body: Range<Int>)? {
        for offset in 0..<known.count {
            let index = (expected + offset) % known.count
            guard let body = known[index].body(bytes, at: position, bytesMax: bodyBytesMax) else { continue }
            expected = index + 1
            return (known[index], body)
        }
        return nil
    }

    mutating func learn(_ head: RequestHead, _ checked: EngineRoutes.Publish.Checked) {
        guard head.keepAlive, !head.expectsContinue, let around = head.aroundLength(bytesMax: Self.headBytesMax),
            around.digits <= Self.digitsMax
        else { return }
        // Known, and yet the parser's: it has a digit more, or came in pieces.
        if let index = known.firstIndex(where: { $0.start == around.start && $0.end == around.end }) {
            if around.digits > known[index].digitsMax { known[index] = Known(around, checked) }
            return
        }
        if known.count < Self.countMax {
            known.append(Known(around, checked))
        } else {
            known[oldest] = Known(around, checked)
            oldest = (oldest + 1) % Self.countMax
        }
    }
}
