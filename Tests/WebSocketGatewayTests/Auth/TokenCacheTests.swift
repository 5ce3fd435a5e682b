import Testing

@testable import WebSocketGateway

@Suite("Tokens that were good")
struct TokenCacheTests {
    private func digest(_ number: Int) -> TokenCache.Digest { TokenCache.Digest("token \(number)".utf8.span) }

    private func claims(_ subject: String) throws -> TokenClaims { try TokenClaims(#"{"sub":"\#(subject)"}"#.utf8.span, .init()) }

    @Test func `what was put in is found, and nothing else`() throws {
        var cache = TokenCache()
        cache.insert(try claims("a"), digest(1))
        let found = cache.find(digest(1))
        #expect(found?.identity.subject == "a")
        let other = cache.find(digest(2))
        #expect(other == nil)
    }

    @Test func `it is bounded, and what is used stays`() throws {
        var cache = TokenCache()
        let some = try claims("a")
        for number in 0..<(TokenCache.countMax * 5) {
            cache.insert(some, digest(number))
            let used = cache.find(digest(0))
            #expect(used != nil)
            #expect(cache.count <= 2 * TokenCache.countMax)
        }
        let unused = cache.find(digest(1))
        #expect(unused == nil)
    }
}
