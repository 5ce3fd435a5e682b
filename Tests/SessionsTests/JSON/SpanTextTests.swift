import Testing

@testable import Sessions

@Suite struct SpanTextTests {
    private static let texts: [StaticString] = [
        "", "a", "id", "key", "type", "error", "candle", "message", "conflate", "timestamp", "session_id", "ai_thinking", "stats_update",
        "session_state", "session_paused", "position_opened", "position_updated", "session_completed", "indicator_readiness",
    ]

    @Test func `a text is equal to itself, and to none that differs in any one byte or in its length`() {
        for (length, text) in Self.texts.enumerated() where length < 19 {
            let bytes = text.withUTF8Buffer { unsafe Array($0) }
            #expect(isEqual(bytes, text))
            for index in bytes.indices {
                for bit in 0..<8 {
                    var other = bytes
                    other[index] ^= 1 << UInt8(bit)
                    #expect(!isEqual(other, text), "\(text), byte \(index)")
                }
            }
            #expect(!isEqual(bytes + [0], text))
            #expect(bytes.isEmpty || !isEqual(Array(bytes.dropLast()), text))
        }
    }

    @Test func `longer texts are compared to their last byte`() {
        for count in 19...40 {
            let bytes = (0..<count).map { UInt8(ascii: "a") + UInt8($0 % 26) }
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(isEqual(bytes, text))
            for index in bytes.indices {
                var other = bytes
                other[index] ^= 0x20
                #expect(!isEqual(other, text))
            }
        }
    }

    /// Both ways at once.
    private func isEqual(_ bytes: [UInt8], _ text: StaticString) -> Bool {
        let isEqual = bytes.span.isEqual(to: text)
        #expect(self.isEqual(bytes, "\(text)") == isEqual)
        return isEqual
    }

    private func isEqual(_ bytes: [UInt8], _ text: String) -> Bool { bytes.span.isEqual(toText: text) }
}
