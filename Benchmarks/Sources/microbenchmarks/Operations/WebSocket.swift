import WebSocket

/// What a client's bytes cost until they are a message.
extension Benchmark {
    static var webSocket: [Benchmark] {
        [
            reading("message/command-32B", SampleMessages.frame(.text, SampleMessages.command)),
            reading("message/text-4KiB", SampleMessages.frame(.text, SampleEvents.candles)),
            reading("message/text-4KiB-in-3", SampleMessages.frame(.text, SampleEvents.candles), pieces: 3),
            reading("message/ping", SampleMessages.frame(.ping, Array("12345678".utf8))),
            frameHeader, pong, unmasking("unmask/32B", SampleMessages.command), unmasking("unmask/4KiB", SampleEvents.candles), inflate,
            utf8("utf8/ascii-4KiB", SampleEvents.candles),
            utf8("utf8/mixed-4KiB", Array(String(repeating: "Позиция 仓位 открыта 🚀 ", count: 100).utf8.prefix(4096))),
        ]
    }

    /// The reader lives on, as it does with its connection.
    private static func reading(_ name: String, _ frame: [UInt8], pieces: Int = 1) -> Benchmark {
        Benchmark(name) { iterations in
            let cuts = (0...pieces).map { $0 * frame.count / pieces }
            var reader = MessageReader(role: .server)
            for _ in 0..<iterations {
                var messages = 0
                for piece in 0..<pieces {
                    let bytes = frame.span.extracting(cuts[piece]..<cuts[piece + 1])
                    var position = 0
                    while let message = try reader.next(bytes, at: &position) {
                        blackHole(message)
                        messages += 1
                    }
                }
                try require(messages == 1, "the frame is one message")
            }
        }
    }

    private static var frameHeader: Benchmark {
        Benchmark("frame/decode-header") { iterations in
            let frame = SampleMessages.frame(.text, SampleEvents.candles)
            let header = frame.span.extracting(..<8)
            var decoder = FrameDecoder(role: .server, fragmentsMax: 64)
            for _ in 0..<iterations {
                var position = 0
                let decoded = try decoder.next(header, at: &position)
                blackHole(decoded)
                try require(decoded != nil, "the header is whole")
            }
        }
    }

    private static var pong: Benchmark {
        Benchmark("frame/encode-pong") { iterations in
            let payload = Array("12345678".utf8)
            for _ in 0..<iterations { blackHole(FrameEncoder.frame(.pong, payload)) }
        }
    }

    private static func unmasking(_ name: String, _ payload: [UInt8]) -> Benchmark {
        Benchmark(name) { iterations in
            var bytes: [UInt8] = []
            bytes.reserveCapacity(payload.count)
            for _ in 0..<iterations {
                bytes.removeAll(keepingCapacity: true)
                Masking.append(payload.span, key: 0x37FA_213D, offset: 0, to: &bytes)
                blackHole(bytes)
            }
        }
    }

    private static var inflate: Benchmark {
        Benchmark("message/inflate-4KiB", iterations: 100) { iterations in
            guard let compressed = Deflater(.window12)?.deflate(SampleEvents.candles.span), let inflater = Inflater() else {
                throw Failure("there is memory for zlib, and candles are compressible")
            }
            for _ in 0..<iterations {
                let message = try CompressedMessage.open(.text, compressed, frames: 1, with: inflater, max: 65_536)
                blackHole(message)
                try require(message.payloadBytes == SampleEvents.candles.count, "the message is whole")
            }
        }
    }

    private static func utf8(_ name: String, _ text: [UInt8]) -> Benchmark {
        Benchmark(name) { iterations in
            for _ in 0..<iterations {
                var validator = UTF8Validator()
                let isValid = validator.feed(text.span)
                blackHole(validator)
                try require(isValid, "the text is UTF-8")
            }
        }
    }
}
