import HTTP
import Testing

struct RequestParserTests {
    /// Printed with every failure of a random test; set it here to repeat one.
    let seed = UInt64.random(in: .min ... .max)

    @Test(arguments: Corpus.valid) func `a valid request parses the same however its bytes are split`(request: String) {
        let bytes = [UInt8](request.utf8)
        let whole = Outcome.ofRequests([bytes])
        #expect(whole.violation == nil)
        #expect(!whole.elements.isEmpty)
        #expect(Outcome.ofRequests(bytes.singleBytes) == whole)
        for pieces in bytes.everySplitInTwo { #expect(Outcome.ofRequests(pieces) == whole, "split at \(pieces[0].count)") }
    }

    @Test(arguments: Corpus.hostile) func `a hostile request is refused for its rule however its bytes are split`(
        request: String, violation: HTTPViolation
    ) {
        let bytes = [UInt8](request.utf8)
        #expect(Outcome.ofRequests([bytes]).violation == violation)
        let whole = Outcome.ofRequests([bytes])
        #expect(Outcome.ofRequests(bytes.singleBytes) == whole)
        for pieces in bytes.everySplitInTwo { #expect(Outcome.ofRequests(pieces) == whole, "split at \(pieces[0].count)") }
    }

    @Test(arguments: [
        // What is wrong, in a request behind a whole one, and where the parser noticed.
        ("GET /\u{1} HTTP/1.1\r\n", HTTPViolation.controlByte, 5), ("GET / HTTP/1.1\n", .bareLineFeed, 14),
        ("GET / HTTP/1.1\rX", .bareCarriageReturn, 15),
        ("GET  / HTTP/1.1\r\nH", .requestLineMalformed, 17), ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n", .fieldFolded, 29),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", .hostDuplicate, 34), ("GET / HTTP/1.1\r\n\r\n", .hostMissing, 18),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x", .chunkExtension, 57),
    ])
    func `a violation is found at its place, however the bytes are split`(request: String, violation: HTTPViolation, offset: Int) {
        let before = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        let bytes = [UInt8]((before + request).utf8)
        for pieces in [[bytes], bytes.singleBytes] + bytes.everySplitInTwo {
            let outcome = Outcome.ofRequests(pieces)
            #expect(
                outcome.violation == violation && outcome.violationOffset == before.utf8.count + offset, "\(outcome.violationOffset ?? -1)")
        }
    }

    @Test func `pipelined requests parse the same for random splits`() {
        var generator = SeededGenerator(seed: seed)
        let withoutUpgrade = Corpus.valid.filter { !$0.contains("websocket") }
        for round in 0..<400 {
            var text = (0..<Int.random(in: 1...6, using: &generator)).map { _ in withoutUpgrade.randomElement(using: &generator)! }.joined()
            if Bool.random(using: &generator) { text += Corpus.hostile.randomElement(using: &generator)!.request }
            let bytes = [UInt8](text.utf8)
            let whole = Outcome.ofRequests([bytes])
            #expect(Outcome.ofRequests(bytes.randomPieces(&generator)) == whole, "seed \(seed), round \(round)")
        }
    }

    @Test func `mutated requests never trap and are judged the same for random splits`() {
        var generator = SeededGenerator(seed: seed)
        let seeds = (Corpus.valid + Corpus.hostile.map(\.request)).map { [UInt8]($0.utf8) }
        var limits = HTTPLimits()
        limits.bodyBytesMax = 64
        for round in 0..<5_000 {
            var bytes = seeds.randomElement(using: &generator)!
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.insert([13, 10, 32, 58, 0, 255, 48].randomElement(using: &generator)!, at: at)
                case 2: if bytes.count > 1 { bytes.remove(at: at) }
                default: bytes.append(contentsOf: bytes[at...].prefix(40))
                }
            }
            let whole = Outcome.ofRequests([bytes], limits: limits)
            let split = Outcome.ofRequests(bytes.randomPieces(&generator), limits: limits)
            #expect(split == whole, "seed \(seed), round \(round)")
        }
    }

    @Test func `bytes after an upgrade request stay with the caller`() throws {
        let outcome = Outcome.ofRequests([[UInt8](Corpus.valid[1].utf8)])
        #expect(String(decoding: outcome.rest, as: UTF8.self) == "\u{01}\u{02}frames")
    }

    @Test func `a parser is idle until the first byte of a request and again after its end`() throws {
        var parser = RequestParser()
        #expect(parser.isIdle)
        #expect(try parser.receive("").isEmpty)
        #expect(parser.isIdle)
        #expect(try parser.receive("P").isEmpty)
        #expect(!parser.isIdle)
        #expect(try parser.receive("OST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n").count == 1)
        #expect(!parser.isIdle)
        #expect(try parser.receive("x").count == 1)
        #expect(parser.isIdle)
    }

    @Test func `a violation is final`() {
        var parser = RequestParser()
        #expect(throws: HTTPViolation.bareLineFeed) { try parser.receive("\n") }
        #expect(throws: HTTPViolation.bareLineFeed) { try parser.receive(Corpus.valid[0]) }
        #expect(!parser.isIdle)
    }

    @Test(arguments: ["Content-Length: 5\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"], [5, 4, 0, -1])
    func `the body limit of one request can be lowered after its head`(framing: String, limit: Int) throws {
        var parser = RequestParser()
        #expect(try parser.receive("POST / HTTP/1.1\r\nHost: a\r\n" + framing).count == 1)
        parser.bodyBytesMax = limit
        let body = framing.hasPrefix("T") ? "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n" : "hello"
        if limit >= 5 {
            #expect(try parser.receive(body) == ["body 5 \([UInt8]("hello".utf8).reduce(0) { ($0 &* 31) &+ Int($1) })"])
        } else {
            #expect(throws: HTTPViolation.bodyTooLarge) { try parser.receive(body) }
        }
    }

    @Test func `a counted body over a lowered limit is refused before it arrives`() throws {
        var parser = RequestParser()
        _ = try parser.receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")
        parser.bodyBytesMax = 0
        #expect(throws: HTTPViolation.bodyTooLarge) { try parser.receive("") }
    }

    @Test func `a head restores the body limit, and no caller raises it above the limits`() throws {
        var parser = RequestParser()
        parser.bodyBytesMax = 1
        _ = try parser.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(parser.bodyBytesMax == HTTPLimits().bodyBytesMax)
        parser.bodyBytesMax = .max
        #expect(parser.bodyBytesMax == HTTPLimits().bodyBytesMax)
    }
}
