import HTTP
import Sessions
import Testing

@testable import WebSocketGateway

@Suite("Heads of publishes that were seen before")
struct PublishHeadsTests {
    private func request(
        _ session: String = "s", length: Int? = nil, body: String = #"{"type":"a","data":{}}"#, fields: String = "", query: String = ""
    ) -> [UInt8] {
        Array(
            ("POST /v1/sessions/\(session)/events\(query) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(length ?? body.utf8.count)\r\n\(fields)\r\n\(body)").utf8)
    }

    /// What the parser and the routes make of the first request; nil when it is not whole, refused, or no publish.
    private func parsed(_ bytes: [UInt8]) -> (head: RequestHead, checked: EngineRoutes.Publish.Checked, body: [UInt8])? {
        var parser = RequestParser()
        var position = 0
        guard case .head(let head)? = try? parser.next(bytes.span, at: &position), head.hasBody,
            case .body(let body)? = try? parser.next(bytes.span, at: &position),
            let route = EngineRoutes.publish(head), let checked = try? route.check(head)
        else { return nil }
        return (head, checked, body)
    }

    private func learn(_ bytes: [UInt8], into heads: inout PublishHeads) throws {
        let parsed = try #require(self.parsed(bytes))
        heads.learn(parsed.head, parsed.checked)
    }

    private func find(_ bytes: [UInt8], in heads: inout PublishHeads, at position: Int = 0) -> (session: String, body: Range<Int>)? {
        guard let found = heads.find(bytes.span, at: position, bodyBytesMax: 1_048_576) else { return nil }
        return (heads.known[found.index].checked.session.description, found.body)
    }

    private func look(_ bytes: [UInt8], in heads: inout PublishHeads) -> PublishHeads.Found? {
        heads.find(bytes.span, at: 0, bodyBytesMax: 1_048_576)
    }

    @Test func `a head is known again, whatever its length says in as many digits or fewer`() throws {
        var heads = PublishHeads()
        #expect(find(request(), in: &heads) == nil)
        try learn(request(body: #"{"type":"a","data":{"n":\#(String(repeating: "1", count: 80))}}"#), into: &heads)
        for count in [22, 23, 99, 5] {
            let bytes = request(body: String(repeating: "x", count: count))
            let found = try #require(find(bytes, in: &heads))
            #expect(found.session == "s")
            #expect(found.body == bytes.count - count..<bytes.count)
            #expect(find([1, 2, 3] + bytes + [4], in: &heads, at: 3)?.body == bytes.count + 3 - count..<bytes.count + 3)
        }
    }

    @Test func `what is longer by a digit, empty, too large or not all here is the parser's`() throws {
        var heads = PublishHeads()
        try learn(request(), into: &heads)
        let body = String(repeating: "x", count: 500)
        #expect(find(request(body: body), in: &heads) == nil, "a digit more")
        #expect(find(request(length: 0, body: body), in: &heads) == nil)
        #expect(heads.find(request().span, at: 0, bodyBytesMax: 21) == nil)
        for count in 0..<request().count { #expect(find(Array(request()[..<count]), in: &heads) == nil) }
        #expect(find(request(), in: &heads) != nil)
    }

    @Test(arguments: ["Connection: close\r\n", "Expect: 100-continue\r\n", "X-Long: \(String(repeating: "x", count: 1100))\r\n"])
    func `heads that want more than a publish are not learned`(fields: String) throws {
        var heads = PublishHeads()
        try learn(request(fields: fields), into: &heads)
        #expect(find(request(fields: fields), in: &heads) == nil)
    }

    @Test(arguments: ["Idempotency-Key: ", "Content-Type: application/json\r\nIdempotency-Key:"])
    func `a head is known with another key, no longer than those before`(_ field: String) throws {
        func keyed(_ key: String, body: String = #"{"type":"a","data":{}}"#) -> [UInt8] {
            // Before the length, and behind it.
            field.hasPrefix("C")
                ? Array(
                    ("POST /v1/sessions/s/events HTTP/1.1\r\nHost: localhost\r\n\(field)\(key)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
                        .utf8)
                : request(body: body, fields: "\(field)\(key)\r\n")
        }
        var heads = PublishHeads()
        try learn(keyed("abc-99"), into: &heads)
        for key in ["abc-98", "a", "~!-_=+"] {
            let bytes = keyed(key, body: #"{"type":"a","data":{}}"#)
            let found = look(bytes, in: &heads)
            #expect(found?.key.map { String(decoding: bytes[$0], as: UTF8.self) } == key)
            #expect(found?.body == bytes.count - 22..<bytes.count)
        }
        for key in ["abc-100", "", "a b", "a\t", "é"] { #expect((look(keyed(key), in: &heads) == nil) == true, "\(key)") }
        try learn(keyed("abc-100"), into: &heads)
        #expect((look(keyed("abc-101"), in: &heads) != nil) == true)
        #expect((look(request(), in: &heads) == nil) == true, "without a key it is another head")
    }

    @Test func `a head that comes again, in pieces or longer by a digit, takes no second place`() throws {
        var heads = PublishHeads()
        for number in 0..<16 { try learn(request("s-\(number)"), into: &heads) }
        for _ in 0..<40 { try learn(request("s-3"), into: &heads) }
        for number in 0..<16 { #expect(find(request("s-\(number)"), in: &heads) != nil) }
        let longer = request("s-3", body: #"{"type":"a","data":{"n":"\#(String(repeating: "1", count: 200))"}}"#)
        #expect(find(longer, in: &heads) == nil)
        try learn(longer, into: &heads)
        #expect(find(longer, in: &heads) != nil)
        #expect(find(request("s-3"), in: &heads) != nil, "fewer digits are known as well")
        for number in 0..<16 { #expect(find(request("s-\(number)"), in: &heads) != nil) }
    }

    @Test func `sixteen are known, and of more the oldest are forgotten`() throws {
        var heads = PublishHeads()
        for number in 0..<20 { try learn(request("s-\(number)"), into: &heads) }
        for number in 0..<4 { #expect(find(request("s-\(number)"), in: &heads) == nil) }
        for number in (4..<20).reversed() { #expect(find(request("s-\(number)"), in: &heads)?.session == "s-\(number)") }
    }

    /// Whatever is found, the parser and the routes would have found as well: over requests with bytes changed, put in and taken out.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `nothing is known that the parser would read otherwise`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var heads = PublishHeads()
        let learned = [
            request(), request("other", fields: "X-A: b\r\n"), request("other", query: "?receipt=none"),
            request(fields: "Connection: keep-alive\r\n"), request("s", body: String(repeating: "y", count: 123)),
            request(fields: "Idempotency-Key: abc-12\r\n"), request("k", fields: "idempotency-key:z\r\n"),
        ]
        for bytes in learned { try learn(bytes, into: &heads) }
        var known = 0
        for _ in 0..<20_000 {
            var bytes = learned[Int.random(in: 0..<learned.count, using: &random)] + [UInt8]("POST /".utf8)
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes.remove(at: index)
                case 1: bytes.insert(UInt8("0123456789 \r\n:Aa\t".utf8.randomElement(using: &random) ?? 0), at: index)
                case 2: bytes[index] = UInt8.random(in: 0...255, using: &random)
                default: bytes[index] = UInt8("0123456789".utf8.randomElement(using: &random) ?? 0)
                }
            }
            guard let found = heads.find(bytes.span, at: 0, bodyBytesMax: 1_048_576) else { continue }
            let (head, body) = (heads.known[found.index], found.body)
            known += 1
            let expected = try #require(self.parsed(bytes), "\(String(decoding: bytes, as: UTF8.self))")
            #expect(head.checked.session == expected.checked.session)
            #expect(head.checked.format == expected.checked.format)
            #expect(head.checked.answersEarly == expected.checked.answersEarly)
            #expect(Array(bytes[body]) == expected.body)
            #expect(found.key.map { String(decoding: bytes[$0], as: UTF8.self) } == expected.checked.key)
            #expect(expected.head.keepAlive)
        }
        #expect(known > 2000, "the test finds something to compare")
    }

    @Test(arguments: [
        ("", "", "application/json", true), ("Idempotency-Key: a\r\n", "", "application/json", false),
        ("", "?receipt=none", "application/json", false), ("", "?receipt=full", "application/json", true),
        ("", "?wait=5", "application/json", false), ("", "?wait=0", "application/json", true), ("", "", "application/x-ndjson", false),
    ])
    func `a publish is plain whose answer waits for nothing but the delivery of one event`(
        fields: String, query: String, type: String, isPlain: Bool
    ) throws {
        var heads = PublishHeads()
        let text = String(decoding: request(fields: fields, query: query), as: UTF8.self)
        let bytes = Array(text.split(separator: "application/json").joined(separator: type).utf8)
        try learn(bytes, into: &heads)
        let found = try #require(look(bytes, in: &heads))
        #expect(heads.known[found.index].isPlain == isPlain)
    }
}
