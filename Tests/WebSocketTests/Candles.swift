/// Events as a trading session has them, of about the given length.
enum Candles {
    static func json(_ count: Int, using generator: inout SeededGenerator) -> [UInt8] {
        var text = #"{"id":"16ja9qn78j68j-42","type":"candle","data":{"candles":["#
        var separator = ""
        while text.utf8.count < count {
            let open = Int.random(in: 59_000...61_000, using: &generator)
            let cents = (0..<4).map { _ in Int.random(in: 10...99, using: &generator) }
            text += #"\#(separator){"timestamp":"2026-03-15T10:\#(cents[0]):00Z","open":\#(open).\#(cents[1]),"#
            text +=
                #""high":\#(open + cents[2]).\#(cents[3]),"low":\#(open - cents[1]).5,"close":\#(open).7,"volume":\#(cents[2]).\#(cents[0])}"#
            separator = ","
        }
        return Array((text + #"]},"timestamp":"2026-03-15T10:30:00.123456Z"}"#).utf8)
    }
}
