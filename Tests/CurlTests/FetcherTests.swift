import EventLoop
import Glibc
import Synchronization
import Testing

@testable import Curl

@Suite("Fetching")
struct FetcherTests {
    private static let bytesMax = 65_536

    private func request(_ url: String, milliseconds: Int = 20_000) throws -> FetchRequest {
        FetchRequest(
            address: try FetchAddress(parsing: url), authorities: nil, timeoutMilliseconds: milliseconds, bytesMax: Self.bytesMax,
            agent: "websocket-gateway/test")
    }

    private func fetch(_ answer: String, _ ending: CannedServer.Ending = .closes, milliseconds: Int = 20_000) throws
        -> Result<[UInt8], FetchFailure>
    {
        let server = try CannedServer(answer, ending)
        defer { server.stop() }
        return try #require(try Fetcher().fetch(request(server.url, milliseconds: milliseconds)) { true })
    }

    private func kind(_ result: Result<[UInt8], FetchFailure>) -> FetchFailure.Kind? {
        if case .failure(let failure) = result { failure.kind } else { nil }
    }

    private static func ok(_ body: String, _ fields: String = "") -> String {
        "HTTP/1.1 200 OK\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func chunked(_ body: String) -> String {
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
    }

    @Test func `a document comes whole, and nothing is asked but for it`() throws {
        let server = try CannedServer(Self.ok("{}", "Set-Cookie: a=b\r\n"))
        defer { server.stop() }
        let fetcher = try Fetcher()
        for _ in 0..<3 { #expect(try fetcher.fetch(request(server.url)) { true } == .success(Array("{}".utf8))) }
        let head = """
            GET /jwks.json?tenant=1 HTTP/1.1\r
            Host: 127.0.0.1:\(server.port)\r
            User-Agent: websocket-gateway/test\r
            Accept: */*\r
            \r

            """
        #expect(server.requests == [head, head, head], "three connections, without a cookie or a secret")
    }

    @Test(arguments: [true, false]) func `a document has so many bytes and no more, told before or not`(_ isChunked: Bool) throws {
        let answer = { (count: Int) in
            let body = String(repeating: "x", count: count)
            return isChunked ? Self.chunked(body) : Self.ok(body)
        }
        #expect(try fetch(answer(Self.bytesMax)) == .success(Array(repeating: UInt8(ascii: "x"), count: Self.bytesMax)))
        #expect(kind(try fetch(answer(Self.bytesMax + 1))) == .tooLarge)
        #expect(kind(try fetch("HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 3 * Self.bytesMax), .holds)) == .tooLarge)
    }

    @Test func `a head has as many bytes at the most`() throws {
        let (before, after) = ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: ", "\r\n\r\n")
        let answer = { (count: Int) in
            before + String(repeating: "x", count: count - before.utf8.count - after.utf8.count) + after + "{}"
        }
        #expect(try fetch(answer(Self.bytesMax)) == .success(Array("{}".utf8)))
        #expect(kind(try fetch(answer(Self.bytesMax + 1))) == .tooLarge)
    }

    @Test(arguments: ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"])
    func `a head without end is too large`(_ part: String) throws { #expect(kind(try fetch(part, .repeats)) == .tooLarge) }

    @Test(arguments: [
        ("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n{}", FetchFailure.Kind.status),
        ("HTTP/1.1 204 No Content\r\n\r\n", .status), ("HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n\r\n{}", .status),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 99999999\r\n\r\n", .status),
        ("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", .status),
        ("HTTP/1.1 301 Moved Permanently\r\nLocation: https://issuer.example/\r\nContent-Length: 2\r\n\r\n{}", .status),
        ("", .broken), ("{}", .broken), ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}", .broken), ("SSH-2.0-OpenSSH\r\n", .broken),
    ])
    func `what is no document fails, of one kind or another`(_ answer: String, _ expected: FetchFailure.Kind) throws {
        let result = try fetch(answer)
        #expect(kind(result) == expected, "\(result)")
    }

    @Test func `a compressed document is not inflated: none was asked for`() throws {
        #expect(try fetch(Self.ok("xyz", "Content-Encoding: gzip\r\n")) == .success(Array("xyz".utf8)))
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"])
    func `a server that says no more is left when the time is over`(_ answer: String) throws {
        #expect(kind(try fetch(answer, .holds, milliseconds: 100)) == .timeout)
    }

    @Test func `nobody there, and no such name, are unreachable`() throws {
        let server = try CannedServer("")
        server.stop()
        #expect(kind(try #require(try Fetcher().fetch(request(server.url)) { true })) == .unreachable)
    }

    @Test func `who speaks no TLS is not spoken to`() throws {
        let server = try CannedServer(Self.ok("{}"), .closes)
        defer { server.stop() }
        let fetched = try Fetcher().fetch(request("https://127.0.0.1:\(server.port)/", milliseconds: 300)) { true }
        #expect([.tls, .timeout].contains(kind(try #require(fetched))))
    }

    @Test func `authorities that are none end the fetch before it begins`() throws {
        let request = FetchRequest(
            address: try FetchAddress(parsing: "https://127.0.0.1:1/"), authorities: Array("none".utf8), timeoutMilliseconds: 1000,
            bytesMax: 10, agent: "a")
        #expect(kind(try #require(try Fetcher().fetch(request) { true })) != nil)
    }

    @Test func `a fetch that is not wanted any more ends at once, and the next one is as good as any`() throws {
        let (silent, server) = (try CannedServer("", .holds), try CannedServer(Self.ok("{}")))
        defer { for server in [silent, server] { server.stop() } }
        let fetcher = try Fetcher()
        let isWanted = Wanted()
        let other = try LoopThread {
            while silent.requests.isEmpty { sched_yield() }
            isWanted.value.store(false, ordering: .releasing)
            fetcher.wake()
        }
        let begun = Clocks.monotonicNanoseconds
        #expect(try fetcher.fetch(request(silent.url)) { isWanted.value.load(ordering: .acquiring) } == nil)
        #expect(Clocks.monotonicNanoseconds - begun < 10_000_000_000, "not its time-out")
        other.join()
        #expect(try fetcher.fetch(request(server.url)) { true } == .success(Array("{}".utf8)))
    }

    @Test func `a wait ends when somebody wakes it, before it as well`() throws {
        let fetcher = try Fetcher()
        let begun = Clocks.monotonicNanoseconds
        fetcher.wake()
        fetcher.wait(milliseconds: 60_000)
        let other = try LoopThread { fetcher.wake() }
        fetcher.wait(milliseconds: .max)
        other.join()
        #expect(Clocks.monotonicNanoseconds - begun < 30_000_000_000)
        fetcher.wait(milliseconds: 1)
    }

    private final class Wanted: Sendable { let value = Atomic(true) }
}
