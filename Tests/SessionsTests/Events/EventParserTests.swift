import Sessions
import Testing

@Suite struct EventParserTests {
    private func parse(_ body: String, _ format: PublishFormat = .json, limits: EventLimits = EventLimits()) throws -> (
        events: [PublishedEvent], isBatch: Bool
    ) {
        try EventParser.parse(body.utf8.span, format: format, limits: limits)
    }

    private func text(_ range: Range<Int>?, _ body: String) -> String? {
        range.map { String(decoding: Array(body.utf8)[$0], as: UTF8.self) }
    }

    private func fault(_ body: String, _ format: PublishFormat = .json, limits: EventLimits = EventLimits()) throws -> InvalidEvent {
        try #require(throws: InvalidEvent.self) { try parse(body, format, limits: limits) }
    }

    @Test func `an event's parts are found where they stand`() throws {
        let body = " { \"key\" : \"k\\u00e9\", \"data\": { \"p\": 1.10,\n \"q\":[] } ,\"timestamp\":\"a\\\"b\" , \"type\":\"candle\" }\n"
        let (events, isBatch) = try parse(body)
        #expect(!isBatch)
        let event = try #require(events.first)
        #expect(events.count == 1)
        #expect(text(event.typeRange, body) == "candle")
        #expect(event.metricIndex == EventType.candle.metricIndex)
        #expect(text(event.dataRange, body) == "{ \"p\": 1.10,\n \"q\":[] }")
        #expect(text(event.timestampRange, body) == "a\\\"b")
        #expect(text(event.keyRange, body) == "k\\u00e9")
    }

    @Test func `timestamp and key may be left out`() throws {
        let event = try #require(try parse(#"{"type":"my_type","data":{}}"#).events.first)
        #expect(event.timestampRange == nil)
        #expect(event.keyRange == nil)
        #expect(event.metricIndex == EventType.known.count)
    }

    @Test(arguments: [
        #"{"type":"a","data":{}}"#, " \t{\"data\":{\"x\":[1]},\"type\":\"candle\",\"key\":\"k\"}\r\n", #"{"type":"a","data":{}} x"#,
        #"[{"type":"a","data":{}}]"#, #"{"type":"a"}"#, #"{"type":"a","data":[]}"#, #"{"type":"a","data":{}}{"type":"a","data":{}}"#, "",
        " ",
        "1", #"{"type":"a","data":{},"id":"x"}"#, #"{"type":"connected","data":{}}"#, #"{"type":"a","data":{"x":"\u{0}"}}"#,
    ])
    func `a single event is what the whole parser finds, and nothing else is one`(_ body: String) {
        let parsed = try? parse(body)
        #expect(EventParser.single(body.utf8.span) == (parsed?.isBatch == false ? parsed?.events.first : nil))
        var small = EventLimits()
        small.eventBytesMax = 10
        #expect(EventParser.single(body.utf8.span, limits: small) == nil)
    }

    @Test func `an array is a batch in its order, even of one`() throws {
        let body = #" [ {"type":"a","data":{}} , {"type":"b","data":{"x":[1,2]}} ] "#
        let (events, isBatch) = try parse(body)
        #expect(isBatch)
        #expect(events.map { text($0.typeRange, body) } == ["a", "b"])
        #expect(try parse(#"[{"type":"a","data":{}}]"#).isBatch)
    }

    @Test func `NDJSON is one event a line, with blank lines and carriage returns passed over`() throws {
        let body = "\n{\"type\":\"a\",\"data\":{}}\r\n\r\n  \t\n {\"type\":\"b\",\"data\":{}} \n{\"type\":\"c\",\"data\":{}}"
        let (events, isBatch) = try parse(body, .ndjson)
        #expect(isBatch)
        #expect(events.map { text($0.typeRange, body) } == ["a", "b", "c"])
    }

    @Test(
        arguments: [
            ("", "INVALID_JSON", "", 0), ("  ", "INVALID_JSON", "", 2), ("nonsense", "INVALID_JSON", "", 1), ("5", "INVALID_EVENT", "", 0),
            ("\"x\"", "INVALID_EVENT", "", 0), ("[]", "EMPTY_BATCH", "", 0), (" [ ] ", "EMPTY_BATCH", "", 1),
            ("[1]", "INVALID_EVENT", "[0]", 1),
            ("[[]]", "INVALID_EVENT", "[0]", 1), ("{}", "INVALID_EVENT", "", 0), (#"{"data":{}}"#, "INVALID_EVENT", "", 0),
            (#"{"type":"a"}"#, "INVALID_EVENT", "", 0),
            (#"{"type":"a","data":[]}"#, "INVALID_EVENT", "data", 19), (#"{"type":"a","data":null}"#, "INVALID_EVENT", "data", 19),
            (#"{"type":1,"data":{}}"#, "INVALID_EVENT", "type", 8), (#"{"type":"A","data":{}}"#, "INVALID_EVENT", "type", 8),
            (#"{"type":"","data":{}}"#, "INVALID_EVENT", "type", 8), (#"{"type":"\u0061","data":{}}"#, "INVALID_EVENT", "type", 8),
            (#"{"type":"lost","data":{}}"#, "RESERVED_TYPE", "type", 8), (#"{"type":"connected","data":{}}"#, "RESERVED_TYPE", "type", 8),
            (#"{"type":"conflated","data":{}}"#, "RESERVED_TYPE", "type", 8),
            (#"{"id":"x","type":"a","data":{}}"#, "INVALID_EVENT", "id", 1),
            (#"{"type":"a","data":{},"foo":1}"#, "INVALID_EVENT", "foo", 22),
            (#"{"type":"a","data":{},"a b":1}"#, "INVALID_EVENT", "[\"a b\"]", 22),
            (#"{"\u0074ype":"a","data":{}}"#, "INVALID_EVENT", "[\"\\u0074ype\"]", 1),
            (#"{"type":"a","type":"a","data":{}}"#, "INVALID_EVENT", "type", 12),
            (#"{"type":"a","data":{},"data":{}}"#, "INVALID_EVENT", "data", 22),
            (#"{"type":"a","data":{},"timestamp":1}"#, "INVALID_EVENT", "timestamp", 34),
            (#"{"type":"a","data":{},"timestamp":null}"#, "INVALID_EVENT", "timestamp", 34),
            (#"{"type":"a","data":{},"key":""}"#, "INVALID_EVENT", "key", 28),
            (#"{"type":"a","data":{},"key":7}"#, "INVALID_EVENT", "key", 28),
            (#"{"type":"a","data":{"price":NaN}}"#, "INVALID_JSON", "data.price", 28),
            (#"{"type":"a","data":{"x":[1,2,}}"#, "INVALID_JSON", "data.x[2]", 29), (#"{"type":"a","data":{}}x"#, "INVALID_JSON", "", 22),
            (#"{"type":"a","data":{}},{}"#, "INVALID_JSON", "", 22),
            (#"[{"type":"a","data":{}},{"type":"b"}]"#, "INVALID_EVENT", "[1]", 24),
            (#"[{"type":"a","data":{}},{"type":"a","data":{"p":01}}]"#, "INVALID_JSON", "[1].data.p", 48),
            (#"[{"type":"a","data":{}},{"type":"b","data":{},"x":1}]"#, "INVALID_EVENT", "[1].x", 46),
            (#"[{"type":"a","data":{}},]"#, "INVALID_JSON", "[1]", 24),
            (#"[{"type":"a","data":{}}"#, "INVALID_JSON", "[0]", 23), (#"{"type":"a","data":{"a":1,"a":2}"#, "INVALID_JSON", "data", 32),
        ] as [(String, String, String, Int)])
    func `the first error is told with its code, place and byte`(_ body: String, _ code: String, _ place: String, _ offset: Int) throws {
        let error = try fault(body)
        #expect(error.code == code)
        #expect(error.place == place)
        #expect(error.offset == offset)
        #expect(error.status == 400)
    }

    @Test(
        arguments: [
            ("", "EMPTY_BATCH", "line 1", 0), ("\n \r\n", "EMPTY_BATCH", "line 1", 0),
            ("{\"type\":\"a\",\"data\":{}}\n\n[]", "INVALID_EVENT", "line 3", 24),
            ("{\"type\":\"a\",\"data\":{}}\n{\"type\":\"a\",\"data\":{\"p\":.5}}", "INVALID_JSON", "line 2: data.p", 47),
            ("{\"type\":\"a\",\n\"data\":{}}", "INVALID_JSON", "line 1", 12),
            ("{\"type\":\"a\",\"data\":{}} {}", "INVALID_JSON", "line 1", 23),
            ("{\"type\":\"a\",\"data\":{}}\n{\"type\":\"lost\",\"data\":{}}", "RESERVED_TYPE", "line 2: type", 31),
            ("\n{\"type\":\"a\",\"data\":{},\"x\":1}", "INVALID_EVENT", "line 2: x", 23),
        ] as [(String, String, String, Int)])
    func `in NDJSON the place begins with the line`(_ body: String, _ code: String, _ place: String, _ offset: Int) throws {
        let error = try fault(body, .ndjson)
        #expect(error.code == code)
        #expect(error.place == place)
        #expect(error.offset == offset)
    }

    @Test func `the message says what, where and why`() throws {
        #expect(
            try fault(#"{"type":"a","data":{"price":NaN}}"#).message
                == "invalid JSON at data.price (byte 28): NaN and Infinity are not JSON")
        #expect(try fault("[]").message == "empty batch at byte 0: there is no event to publish")
    }

    @Test func `data may name a key twice: only an event's own keys are unique`() throws {
        #expect(try parse(#"{"type":"a","data":{"a":1,"a":2,"type":3,"id":4}}"#).events.count == 1)
    }

    @Test func `an event nests 64 levels, alone and in a batch`() throws {
        func event(levels: Int) -> String {
            "{\"type\":\"a\",\"data\":" + String(repeating: "{\"a\":", count: levels - 2) + "{}" + String(repeating: "}", count: levels - 2)
                + "}"
        }
        for (prefix, suffix, format) in [("", "", PublishFormat.json), ("[", "]", .json), ("", "\n", .ndjson)] {
            #expect(try parse(prefix + event(levels: 64) + suffix, format).events.count == 1)
            #expect(try fault(prefix + event(levels: 65) + suffix, format).code == "INVALID_JSON")
        }
    }

    @Test func `keys have 1 to 256 bytes, counted unescaped`() throws {
        func body(_ key: String) -> String { "{\"type\":\"a\",\"data\":{},\"key\":\"\(key)\"}" }
        #expect(try parse(body(String(repeating: "k", count: 256))).events.count == 1)
        #expect(try parse(body(String(repeating: "\\u00e9", count: 128))).events.count == 1)
        #expect(try fault(body(String(repeating: "k", count: 257))).place == "key")
        #expect(try fault(body(String(repeating: "\\u00e9", count: 129))).place == "key")
    }

    @Test func `an event and a batch may be as large as their limits and no larger`() throws {
        let event = #"{"type":"a","data":{}}"#
        var limits = EventLimits()
        limits.eventBytesMax = event.utf8.count
        limits.eventsMax = 2
        #expect(try parse("[\(event) , \(event)]", limits: limits).events.count == 2)
        let tooMany = try fault("[\(event),\(event),\(event)]", limits: limits)
        #expect(tooMany.code == "BATCH_TOO_LARGE")
        #expect(tooMany.status == 413)
        #expect(tooMany.place == "[2]")
        limits.eventBytesMax -= 1
        let tooLarge = try fault("[\(event)]", limits: limits)
        #expect(tooLarge.code == "EVENT_TOO_LARGE")
        #expect(tooLarge.status == 413)
        #expect(tooLarge.place == "[0]")
    }

    @Test func `what is accepted reaches the client as valid JSON with the publisher's bytes`() throws {
        let body = #"{"type":"candle","data":{"p":1.10,"s":"\ud800"},"timestamp":"2026\u002d03"}"#
        let bytes = Array(body.utf8)
        let event = try #require(try parse(body).events.first)
        var message: [UInt8] = []
        EventEncoder.append(
            id: nil, type: bytes.span.extracting(event.typeRange), data: bytes.span.extracting(event.dataRange),
            timestamp: bytes.span.extracting(try #require(event.timestampRange)), to: &message)
        #expect(String(decoding: message, as: UTF8.self) == body)
    }
}
