internal import HTTP
internal import Sessions

/// The heads of an engine's publishes, as this connection has sent them before, and what was found when they were checked.
///
/// An engine's heads are alike but for the session, the digits of their length and the key. One that stood before the same bytes again is known by
/// comparing it, with a few hundred instructions where reading and checking it costs 9,000. Whatever is not the same to the byte, longer by a digit, or
/// whose body is not all there is left to the parser.
struct PublishHeads {
    final class Known {
        // What finding it looks at comes first, so that it is few of the cache's lines.
        /// Its pieces one behind the other: those around the digits of Content-Length, and around the key where there is one.
        private let text: [UInt8]
        /// Where in ``text`` each piece ends: two of them without a key, three with one.
        private let ends: [3 of Int]
        private let pieces: Int
        private let bytesLeast: Int
        let digitsMax: Int
        let keyBytesMax: Int
        let isLengthFirst: Bool
        /// Its answer waits for nothing but the delivery, and its body may be one event: whether it is, shows when it is read.
        let isPlain: Bool
        /// Its session, where that has its home on this worker and was looked for. It may be over by now.
        var home: HomeSession?
        let caller: ControlDoor.Caller?
        let checked: EngineRoutes.Publish.Checked

        init(_ head: RequestHead.AroundValues, _ checked: EngineRoutes.Publish.Checked) {
            (isLengthFirst, digitsMax) = (head.isLengthFirst, head.digits)
            keyBytesMax = head.valueBytes ?? 0
            (text, ends, pieces) = Self.joined(head.pieces)
            bytesLeast = text.count + digitsMax + keyBytesMax
            caller = checked.caller
            self.checked = checked
            isPlain = head.valueBytes == nil && checked.format == .json && !checked.answersEarly && checked.wait == 0
        }

        /// Whether it stands around the same values.
        func isLike(_ head: RequestHead.AroundValues) -> Bool {
            guard isLengthFirst == head.isLengthFirst, pieces == head.pieces.count else { return false }
            let (text, ends, _) = Self.joined(head.pieces)
            return text == self.text && (0..<pieces).allSatisfy { ends[$0] == self.ends[$0] }
        }

        private static func joined(_ pieces: [[UInt8]]) -> (text: [UInt8], ends: [3 of Int], count: Int) {
            var text: [UInt8] = []
            var ends = [3 of Int](repeating: 0)
            for (i, piece) in pieces.enumerated() {
                text += piece
                ends[i] = text.count
            }
            return (text, ends, pieces.count)
        }

        /// Where body and key lie, if the head stands at `position` and the body is here.
        func find(_ bytes: Span<UInt8>, at position: Int, bytesMax: Int) -> (body: Range<Int>, key: Range<Int>?)? {
            // More than the head can be, so that nothing below looks beyond the end.
            guard bytes.count - position > bytesLeast else { return nil }
            var index = position
            var length = 0
            var key: Range<Int>?
            var start = 0
            let text = text
            for i in 0..<pieces {
                let end = ends[i]
                guard bytes.extracting(index..<index + end - start).isIdentical(to: text.span.extracting(start..<end)) else { return nil }
                index += end - start
                start = end
                guard i < pieces - 1 else { break }
                if (i == 0) == isLengthFirst {
                    guard let digits = readLength(bytes, &index) else { return nil }
                    length = digits
                } else {
                    guard let value = readKey(bytes, &index) else { return nil }
                    key = value
                }
            }
            guard length > 0, length <= bytesMax, length <= bytes.count - index else { return nil }
            return (index..<index + length, key)
        }

        private func readLength(_ bytes: Span<UInt8>, _ index: inout Int) -> Int? {
            var length = 0
            var digits = 0
            while digits <= digitsMax, case let digit = bytes[index] &- UInt8(ascii: "0"), digit <= 9 {
                length = length * 10 + Int(digit)
                digits += 1
                index += 1
            }
            return digits > 0 && digits <= digitsMax ? length : nil
        }

        /// No longer than those that were parsed: the limits of a line and of all of them are the parser's.
        private func readKey(_ bytes: Span<UInt8>, _ index: inout Int) -> Range<Int>? {
            let start = index
            while index - start <= keyBytesMax, PublishKey.allows(bytes[index]) { index += 1 }
            return index > start && index - start <= keyBytesMax ? start..<index : nil
        }
    }

    struct Found {
        /// Of ``known``.
        let index: Int
        let body: Range<Int>
        /// The `Idempotency-Key`, where the head has one.
        let key: Range<Int>?
    }

    /// An engine publishes to a few sessions over one connection; of more the oldest are forgotten.
    static let countMax = 16
    /// Longer heads are rare, and kept for nobody. 15 digits of a length are far beyond any limit.
    static let headBytesMax = 1024
    static let digitsMax = 15

    private(set) var known: [Known] = []
    /// Where the next one is looked for first: engines go through their sessions in turn.
    private var expected = 0
    private var oldest = 0

    /// The publish that stands whole at `position`, if its head is known.
    mutating func find(_ bytes: Span<UInt8>, at position: Int, bodyBytesMax: Int) -> Found? {
        for offset in 0..<known.count {
            let index = (expected + offset) % known.count
            // Safe: the array holds it, and nothing changes that meanwhile.
            let found = unsafe Unmanaged.passUnretained(known[index])._withUnsafeGuaranteedRef {
                $0.find(bytes, at: position, bytesMax: bodyBytesMax)
            }
            guard let found else { continue }
            expected = index + 1
            return Found(index: index, body: found.body, key: found.key)
        }
        return nil
    }

    mutating func learn(_ head: RequestHead, _ checked: EngineRoutes.Publish.Checked) {
        guard head.keepAlive, !head.expectsContinue, let around = head.around("idempotency-key", bytesMax: Self.headBytesMax),
            around.digits <= Self.digitsMax
        else { return }
        // Known, and yet the parser's: its values are longer, or it came in pieces.
        if let index = known.firstIndex(where: { $0.isLike(around) }) {
            if around.digits > known[index].digitsMax || around.valueBytes ?? 0 > known[index].keyBytesMax {
                known[index] = Known(around, checked)
            }
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
