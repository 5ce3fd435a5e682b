/// Valid requests of the kinds that are served here, as the programs that send them write them.
struct RequestGrammar {
    private var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// What one connection sends: one request to four, an upgrade only at the end.
    mutating func connection() -> [RequestDraft] {
        let count = [1, 1, 1, 1, 2, 2, 3, 4].randomElement(using: &random)!
        var requests = (1..<count).map { _ in request(upgrades: false) }
        requests.append(request(upgrades: true))
        return requests
    }

    private mutating func request(upgrades: Bool) -> RequestDraft {
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<5: upgrades ? upgrade() : plain()
        case 5..<10: publish(chunked: false)
        case 10..<14: publish(chunked: true)
        case 14: health()
        case 15: foreignUpgrade()
        default: plain()
        }
    }

    private mutating func pick<Element>(_ choices: [Element]) -> Element { choices.randomElement(using: &random)! }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    // MARK: Kinds

    private static let hosts = [
        "a", "gateway.example.com", "127.0.0.1:8080", "[::1]:8081", "localhost:", "a_b~c!d", "x.", "[::ffff:1.2.3.4]",
    ]

    private static let paths = [
        "/", "/ws/backtest/bt-1", "/ws/forward/a~b", "/v1/sessions/bt-1/events", "/metrics", "//", "/a%20b", "/%2e%2e/",
        "/a;b=c:@!$&'()*+,",
    ]

    private static let queries = ["?", "?token=a.b.c&join=all", "?a?b=/c", "?last_event_id=16ja9qn78j68j-42", "?%zz\"<>[]^`{|}\\"]

    private static let frames = [
        "\u{81}\u{85}\u{1}\u{2}\u{3}\u{4}abcde", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\u{0}\u{16}\r\n", "\u{88}\u{80}\u{1}\u{2}\u{3}\u{4}",
    ]

    private mutating func target() -> String {
        var path = pick(Self.paths)
        if chance(40) { path += pick(Self.queries) }
        if chance(1) { path += String(repeating: "x", count: Int.random(in: 1000...8000, using: &random)) }
        return path
    }

    private mutating func plain() -> RequestDraft {
        var draft = RequestDraft(pick(["GET", "GET", "GET", "HEAD", "OPTIONS", "DELETE", "PATCH"]), target(), [("Host", pick(Self.hosts))])
        draft.fields += fields(pick(Self.plainClients))
        if chance(10) { draft.fields.append(.init(name: "Connection", value: pick(["close", "keep-alive", "Close", "TE, close"]))) }
        // Content-Length is legal on any request.
        if chance(5) { count(data(), &draft) }
        return draft
    }

    private mutating func upgrade() -> RequestDraft {
        var draft = RequestDraft("GET", target(), [("Host", pick(Self.hosts))])
        draft.fields += fields(pick(Self.webSocketClients))
        if chance(20) { draft.fields.shuffle(using: &random) }
        if chance(60) { draft.after = pick(Self.frames) }
        return draft
    }

    /// An offer that is ignored, body and all (RFC 9110 §7.8).
    private mutating func foreignUpgrade() -> RequestDraft {
        var draft = RequestDraft(
            "POST", target(),
            [
                ("Connection", "Upgrade, HTTP2-Settings"), ("Host", pick(Self.hosts)), ("HTTP2-Settings", "AAEAAEAAAAIAAAAB"),
                ("Upgrade", "h2c"),
            ])
        count(chance(50) ? data() : "", &draft)
        return draft
    }

    /// Load balancers ask for health in 1.0, with a Host or without.
    private mutating func health() -> RequestDraft {
        var draft = RequestDraft("GET", pick(["/healthz", "/healthz?full"]), chance(50) ? [("Host", pick(Self.hosts))] : [])
        if chance(60) { draft.version = "HTTP/1.0" } else if draft.fields.isEmpty { draft.fields = fields([("Host", "a")]) }
        if chance(30) { draft.fields.append(.init(name: "Connection", value: pick(["keep-alive", "close", "Keep-Alive"]))) }
        return draft
    }

    private mutating func publish(chunked: Bool) -> RequestDraft {
        var draft = RequestDraft(pick(["POST", "POST", "POST", "PUT", "PATCH"]), target(), [("Host", pick(Self.hosts))])
        draft.fields += fields(pick(Self.engines))
        if chance(10) { draft.fields.append(.init(name: "Expect", value: "100-continue")) }
        let data = data()
        if chunked { chunk(data, &draft) } else { count(data, &draft) }
        if chance(20) { draft.fields.shuffle(using: &random) }
        return draft
    }

    // MARK: Content

    /// Often something that is a request, or chunks, to whoever loses count.
    private mutating func data() -> String {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4: return "GET /smuggled HTTP/1.1\r\nHost: b\r\n\r\n"
        case 4: return "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: b\r\n\r\n"
        case 5: return ""
        case 6: return String(latin1: (0..<Int.random(in: 1...80, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) })
        case 7 where chance(10): return String(repeating: "y", count: Int.random(in: 1000...9000, using: &random))
        default: return #"{"type":"ai_thinking","data":{"text":"hello","is_complete":true}}"#
        }
    }

    private mutating func count(_ data: String, _ draft: inout RequestDraft) {
        let zeros = chance(5) ? "00" : ""
        draft.fields.append(.init(name: pick(["Content-Length", "content-length"]), value: zeros + String(data.unicodeScalars.count)))
        draft.content = .plain(data)
    }

    private mutating func chunk(_ data: String, _ draft: inout RequestDraft) {
        draft.fields.append(.init(name: pick(["Transfer-Encoding", "transfer-encoding"]), value: pick(["chunked", "chunked", "Chunked"])))
        var chunks: [RequestDraft.Chunk] = []
        var rest = data.unicodeScalars[...]
        while !rest.isEmpty {
            let length = chance(60) ? rest.count : Int.random(in: 1...rest.count, using: &random)
            var chunk = RequestDraft.Chunk(of: String(rest.prefix(length)))
            if chance(10) { chunk.size = chunk.size.uppercasedASCII }
            if chance(10) { chunk.size = "00" + chunk.size }
            chunks.append(chunk)
            rest = rest.dropFirst(length)
        }
        draft.content = .chunked(chunks + [.last])
    }

    // MARK: Clients

    private func fields(_ pairs: [(String, String)]) -> [RequestDraft.Field] {
        pairs.map { RequestDraft.Field(name: $0.0, value: $0.1) }
    }

    private static let key = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    private static let version = ("Sec-WebSocket-Version", "13")

    private static let webSocketClients: [[(String, String)]] = [
        // Chromium
        [
            ("Connection", "Upgrade"), ("Pragma", "no-cache"), ("Cache-Control", "no-cache"),
            ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"),
            ("Upgrade", "websocket"), ("Origin", "https://app.example.com"), version, ("Accept-Encoding", "gzip, deflate, br, zstd"),
            ("Accept-Language", "en-US,en;q=0.9"), ("Cookie", "a=b; c=\"d e\""), key,
            ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"),
        ],
        // Firefox
        [
            ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), ("Accept", "*/*"),
            ("Accept-Language", "en-US,en;q=0.5"), ("Accept-Encoding", "gzip, deflate, br, zstd"), version, ("Origin", "null"),
            ("Sec-WebSocket-Protocol", "wsg.v1"), ("Sec-WebSocket-Extensions", "permessage-deflate"), key, ("DNT", "1"),
            ("Connection", "keep-alive, Upgrade"), ("Sec-Fetch-Dest", "empty"), ("Sec-Fetch-Mode", "websocket"), ("Pragma", "no-cache"),
            ("Upgrade", "websocket"),
        ],
        // Safari
        [
            ("Sec-WebSocket-Version", "13"), key, ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-Fetch-Mode", "websocket"),
            ("Sec-WebSocket-Extensions", "permessage-deflate"), ("Origin", "http://localhost:8000"), ("Accept", ""), ("Cookie", ""),
        ],
        // Python's websockets
        [
            ("Upgrade", "websocket"), ("Connection", "Upgrade"), key, version,
            ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"), ("User-Agent", "Python/3.11 websockets/15.0"),
        ],
        // The JDK
        [
            ("Connection", "Upgrade"), ("Content-Length", "0"), ("Upgrade", "websocket"), ("User-Agent", "Java-http-client/21.0.2"), key,
            version,
        ],
        // A proxy in front, which names itself on more than one line
        [
            ("Connection", "upgrade"), ("Upgrade", "WebSocket"), ("X-Forwarded-For", "192.0.2.1, 10.0.0.1"),
            ("X-Forwarded-For", "10.0.0.2"), ("Via", "1.1 a"), ("Via", "1.1 b, 1.0 c"), key, version,
        ],
    ]

    private static let plainClients: [[(String, String)]] = [
        [("User-Agent", "curl/8.14.1"), ("Accept", "*/*")],
        [
            ("User-Agent", "Prometheus/3.5.0"), ("Accept", "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"), ("Accept-Encoding", "gzip"),
            ("X-Prometheus-Scrape-Timeout-Seconds", "10"),
        ],
        [("Connection", "keep-alive"), ("Access-Control-Request-Method", "POST"), ("Origin", "https://b.example"), ("Referer", "")],
        [("x", ""), ("X", "caf\u{E9} \u{80}\u{FF}"), ("!#$%&'*+-.^_`|~09azAZ", "v"), ("X-Empty", ""), ("x", "a\tb  c")],
        [],
    ]

    private static let engines: [[(String, String)]] = [
        [
            ("Accept", "*/*"), ("Accept-Encoding", "gzip, deflate"), ("User-Agent", "Python/3.11 aiohttp/3.13.0"),
            ("Content-Type", "application/json"),
        ],
        [
            ("user-agent", "python-requests/2.32.5"), ("accept", "*/*"), ("connection", "keep-alive"),
            ("content-type", "application/x-ndjson"),
        ],
        [
            ("connection", "keep-alive"), ("content-type", "application/json"), ("accept-language", "*"), ("sec-fetch-mode", "cors"),
            ("user-agent", "node"),
        ],
        [("Content-Type", "application/json")],
    ]
}
