import Curl
import EventLoop
import Logging
import OpenSSL
import Testing

@testable import WebSocketGateway

@Suite("What becomes of a key set that was fetched")
struct KeySetKeeperTests {
    private let door: TokenDoor
    private let counters = Counters()
    private let lines = Lines()
    private let source: KeySetSource
    private var keeper: KeySetKeeper

    init() throws {
        var settings = GatewaySettings()
        // Of loopback, which may hold secrets.
        settings.tokenKeySet = "http://127.0.0.1/jwks.json?secret=1"
        source = try #require(try KeySetSource.read(settings))
        door = TokenDoor(try TokenKeys.read(settings))
        let lines = lines
        keeper = KeySetKeeper(door, counters, GatewayLog(Logger(label: "test") { _ in Handler(lines: lines) }))
    }

    /// One key of the maker's secret for each name.
    private func set(_ names: String...) -> [UInt8] {
        let key = Base64URL.encode(Array(TokenMaker().secret))
        let keys = names.map { "{\"kty\":\"oct\",\"kid\":\"\($0)\",\"k\":\"\(key)\"}" }
        return Array("{\"keys\":[\(keys.joined(separator: ","))]}".utf8)
    }

    private func count(_ outcome: KeySetOutcome) -> UInt64 { counters.value(.keySetFetches, label: outcome.index) }

    @Test mutating func `before there is one no token is looked at, and it is nobody's fault`() throws {
        let token = TokenMaker().token(#"{"sub":"anna"}"#)
        #expect(door.asksForTokens)
        #expect(throws: TokenFault.noKeys) { try door.identify(token.utf8.span, now: 0) { false } }
        #expect(!TokenFault.noKeys.isFailure)
        let taken1 = keeper.take(.success(set("k1")), from: source)
        #expect(taken1)
        #expect(try door.identify(token.utf8.span, now: 0).subject == "anna")
        #expect(door.keysCount == 1)
    }

    @Test mutating func `a good one is in force, the same again is no news`() {
        let before = keeper.take(.success(set("k1", "k2")), from: source)
        let again = keeper.take(.success(set("k1", "k2")), from: source)
        #expect((before, again) == (true, true))
        #expect((count(.changed), count(.unchanged)) == (1, 1))
        let taken2 = keeper.take(.success(set("k3")), from: source)
        #expect(taken2)
        #expect(count(.changed) == 2)
        #expect(door.keysCount == 1)
        #expect(lines.all == ["token keys fetched", "token keys fetched"])
    }

    @Test mutating func `another issuer is asked for at once, and a fetch of before changes nothing about that`() throws {
        let token = TokenMaker().token(#"{"sub":"anna","iss":"one"}"#)
        var settings = GatewaySettings()
        (settings.tokenKeySet, settings.tokenIssuer) = ("http://127.0.0.1/jwks.json", "other")
        let other = try #require(try KeySetSource.read(settings))
        _ = keeper.take(.success(set("k1")), from: source)
        #expect(try door.identify(token.utf8.span, now: 0).subject == "anna")
        door.expect(other.expected)
        #expect(throws: TokenFault.issuer) { try door.identify(token.utf8.span, now: 0) }
        #expect(door.keysCount == 1)
        // A fetch was under way, with the settings of before.
        _ = keeper.take(.success(set("k2")), from: source)
        #expect(throws: TokenFault.issuer) { try door.identify(token.utf8.span, now: 0) }
        #expect(door.keysCount == 1)
        _ = keeper.take(.success(set("k2")), from: source)
        #expect(throws: TokenFault.issuer) { try door.identify(token.utf8.span, now: 0) }
    }

    @Test mutating func `secrets are taken of this machine only`() throws {
        var settings = GatewaySettings()
        settings.tokenKeySet = "https://issuer.example/jwks.json"
        let published = try #require(try KeySetSource.read(settings))
        let isTaken = keeper.take(.success(set("k1")), from: published)
        #expect(!isTaken)
        #expect(count(.invalid("")) == 1)
        #expect(door.keysCount == 0)
    }

    @Test(arguments: [
        "", "<html>", "[]", "{}", #"{"keys":[]}"#, #"{"keys":[{"kty":"RSA","use":"enc"}]}"#, #"{"keys":[{"kty":"oct","k":"AA"}]}"#,
        #"{"keys":[],"keys":[]}"#, "\u{1F}\u{8B}",
    ])
    mutating func `whatever is no key set leaves the last good one`(_ document: String) {
        _ = keeper.take(.success(set("k1", "k2")), from: source)
        let hasKeys = keeper.take(.success(Array(document.utf8)), from: source)
        #expect(!hasKeys)
        #expect(count(.invalid("")) == 1)
        #expect(door.keysCount == 2)
    }

    @Test mutating func `two keys of one name are no key set, nor are too many keys`() {
        _ = keeper.take(.success(set("k1")), from: source)
        var twice = set("k1", "k1")
        let taken3 = keeper.take(.success(twice), from: source)
        #expect(!taken3)
        let key = "{\"kty\":\"oct\",\"k\":\"\(Base64URL.encode(Array(TokenMaker().secret)))\"}"
        twice = Array("{\"keys\":[\(Array(repeating: key, count: TokenKeys.countMax + 1).joined(separator: ","))]}".utf8)
        let taken4 = keeper.take(.success(twice), from: source)
        #expect(!taken4)
        #expect(count(.invalid("")) == 2)
        #expect(door.keysCount == 1)
    }

    @Test(arguments: FetchFailure.Kind.allCases) mutating func `a failure leaves the last good one and is counted by its kind`(
        _ kind: FetchFailure.Kind
    ) {
        _ = keeper.take(.success(set("k1")), from: source)
        let failure = FetchFailure(kind, "words")
        let taken5 = keeper.take(.failure(failure), from: source)
        #expect(!taken5)
        #expect(count(.failed(failure)) == 1)
        #expect(door.keysCount == 1)
    }

    @Test mutating func `a state is told once, by its change`() {
        let (down, slow) = (FetchFailure(.unreachable, "a"), FetchFailure(.timeout, "b"))
        for _ in 0..<3 { _ = keeper.take(.failure(down), from: source) }
        for _ in 0..<3 { _ = keeper.take(.failure(slow), from: source) }
        for _ in 0..<3 { _ = keeper.take(.success(set("k1")), from: source) }
        for _ in 0..<3 { _ = keeper.take(.failure(down), from: source) }
        for _ in 0..<3 { _ = keeper.take(.success(set("k1")), from: source) }
        let failed = "token keys cannot be fetched"
        #expect(
            lines.all == [failed, failed, "token keys fetched", failed, "token keys can be fetched again; they are the same"])
        #expect(!lines.metadata.contains { $0.contains("secret=1") })
    }

    @Test mutating func `a key that was taken back lets nobody in, who was known as well`() throws {
        let token = TokenMaker().token(#"{"sub":"anna"}"#, header: #"{"alg":"HS256","kid":"k1"}"#)
        _ = keeper.take(.success(set("k1")), from: source)
        _ = try door.identify(token.utf8.span, now: 0)
        _ = keeper.take(.success(set("k2")), from: source)
        #expect(throws: TokenFault.unknownKey) { try door.identify(token.utf8.span, now: 0) }
    }

    @Test func `outcomes are a closed list`() {
        #expect(Set(KeySetOutcome.names).count == KeySetOutcome.names.count)
        let all: [KeySetOutcome] =
            [.changed, .unchanged, .invalid("x")] + FetchFailure.Kind.allCases.map { .failed(FetchFailure($0, "x")) }
        #expect(all.map(\.name) == KeySetOutcome.names)
        #expect(all.map(\.index) == Array(0..<all.count))
    }
}

private final class Lines: Sendable {
    private let told = Locked<[(String, String)]>([])
    var all: [String] { told.withLock { $0.map(\.0) } }
    var metadata: [String] { told.withLock { $0.map(\.1) } }
    func add(_ message: String, _ metadata: String) { told.withLock { $0.append((message, metadata)) } }
}

private struct Handler: LogHandler {
    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.add("\(event.message)", "\(event.metadata ?? [:])") }
}
