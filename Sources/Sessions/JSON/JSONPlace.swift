/// Names a place in a JSON text for people: `data.price`, `[3].ticks[0]`.
///
/// Built only once something is wrong, by walking the (valid) text before the place again: the scanner need not keep track.
package enum JSONPlace {
    /// The longest place, in bytes; a text of 64 long keys shall not become an answer of megabytes.
    package static let bytesMax = 256
    private static let keyBytesMax = 64

    /// The path of the value that begins or stands at `offset`, in the value that begins at `start`. Empty for that value itself.
    package static func path(in text: Span<UInt8>, from start: Int, to offset: Int) -> String {
        var path = ""
        for step in steps(text, from: start, to: offset) {
            switch step {
            case .object(key: nil): break
            case .object(key: let key?): append(key: key, of: text, to: &path)
            case .array(let index): path += "[\(index)]"
            }
            if path.utf8.count > bytesMax { return path + "…" }
        }
        return path
    }

    /// Adds a key to a path: `.price`, or `["a key"]` where a dot would mislead. Long keys are cut.
    package static func append(key: Range<Int>, of text: Span<UInt8>, to path: inout String) {
        let shown = key.prefix(keyBytesMax)
        var bytes: [UInt8] = []
        var isPlain = !key.isEmpty
        for index in shown {
            bytes.append(text[index])
            isPlain = isPlain && isPlainKeyByte(text[index])
        }
        // A key cut inside a character ends in U+FFFD. The key is shown as it was escaped: no control character gets out.
        let name = String(decoding: bytes, as: UTF8.self) + (shown.count < key.count ? "…" : "")
        if isPlain { path += (path.isEmpty ? "" : ".") + name } else { path += "[\"\(name)\"]" }
    }

    private enum Step {
        case object(key: Range<Int>?)
        case array(index: Int)
    }

    private static func steps(_ text: Span<UInt8>, from start: Int, to offset: Int) -> [Step] {
        var steps: [Step] = []
        var scanner = JSONScanner(at: start)
        let end = min(offset, text.count)
        while scanner.position < end {
            switch text[scanner.position] {
            case UInt8(ascii: "{"): steps.append(.object(key: nil))
            case UInt8(ascii: "["): steps.append(.array(index: 0))
            case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = steps.popLast()
            case UInt8(ascii: ","): advance(&steps)
            case UInt8(ascii: "\""):
                guard let string = try? scanner.string(text), scanner.position <= end else { return steps }
                if case .object(key: nil) = steps.last { steps[steps.count - 1] = .object(key: string.contents) }
                continue
            default: break
            }
            scanner.position += 1
        }
        return steps
    }

    private static func advance(_ steps: inout [Step]) {
        switch steps.popLast() {
        case .object: steps.append(.object(key: nil))
        case .array(let index): steps.append(.array(index: index + 1))
        case nil: break
        }
    }

    private static func isPlainKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
