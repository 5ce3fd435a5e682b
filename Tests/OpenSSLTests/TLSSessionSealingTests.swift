import Testing

@testable import OpenSSL

@Suite("TLS sessions whose records we seal") struct TLSSessionSealingTests {
    private let authority: Authority
    private let server: TLSContext
    private let client: TLSContext

    init() throws {
        authority = try Authority()
        let gateway = try authority.issue("gateway.test")
        server = try TLSContext.server(certificate: gateway.certificate, key: gateway.key)
        client = try TLSContext.client(trusting: authority.certificate)
    }

    private func established() throws -> Pair {
        var pair = try Pair(client, server)
        try pair.exchange()
        try #require(pair.client.isEstablished && pair.server.isEstablished)
        return pair
    }

    @Test func `OpenSSL hands its key over with TLS 1.3, and its client's not`() throws {
        let pair = try established()
        #expect(pair.server.trafficKey?.isFree == true)
        #expect(pair.server.trafficSecret != nil)
        #expect(pair.client.trafficKey == nil)
    }

    /// Of the secret, since a key that is asked uses up a number.
    private func keyBytes(_ pair: Pair) -> [UInt8]? { pair.server.trafficSecret?.expand("key", count: 16) }

    @Test func `with TLS 1.2 OpenSSL seals as before`() throws {
        client.allowOnlyTLS12()
        var pair = try established()
        #expect(pair.server.trafficKey == nil)
        try pair.server.sendAll([1, 2, 3])
        try pair.exchange()
        #expect(pair.atClient == [1, 2, 3])
    }

    @Test func `the key that OpenSSL hands over is the first of its secret`() throws {
        let pair = try established()
        let secret = try #require(pair.server.trafficSecret)
        let key = try #require(pair.server.trafficKey)
        let handed = unsafe key.use { key, _ in unsafe Array(UnsafeBufferPointer(start: key, count: 16)) }
        #expect(handed == secret.expand("key", count: 16))
    }

    @Test func `records sealed without the session are read like its own, in their order`() throws {
        var pair = try established()
        let sealer = try #require(pair.server.buffers.sealer)
        var sent: [UInt8] = []
        for round in 0..<200 {
            let content = [UInt8](repeating: UInt8(truncatingIfNeeded: round), count: 1 + round * 82)
            sent += content
            let key = try #require(pair.server.trafficKey)
            if round % 3 == 0 {
                try pair.server.sendAll(content)
            } else {
                sealer.seal(content.span, with: key) { pair.server.keep($0) }
            }
            if round % 7 == 0 { try pair.exchange(piece: 1000) }
        }
        try pair.exchange()
        #expect(pair.atClient == sent)
    }

    @Test func `what waits for the socket blocks the key, and nothing else`() throws {
        let pair = try established()
        let key = try #require(pair.server.trafficKey)
        pair.server.keep([1, 2, 3].span)
        #expect(!key.isFree)
        pair.server.sent(2)
        #expect(!key.isFree)
        pair.server.sent(1)
        #expect(key.isFree)
        _ = try pair.server.send([1].span)
        #expect(!key.isFree)
        pair.server.sent(pair.server.outputBytes)
        #expect(key.isFree)
        pair.server.sendEnd()
        pair.server.sent(pair.server.outputBytes)
        #expect(!key.isFree)
    }

    @Test func `a session that failed has no free key`() throws {
        let pair = try established()
        let key = try #require(pair.server.trafficKey)
        let nonsense = [23, 3, 3, 0, 32] + [UInt8](repeating: 0, count: 32)
        #expect(throws: TLSFailure.self) { try pair.server.receive(nonsense.span) { _ in true } }
        pair.server.sent(pair.server.outputBytes)
        #expect(!key.isFree)
    }

    @Test func `a peer that asks for a new key is answered with one before anything else, at once`() throws {
        var pair = try established()
        let key = try #require(pair.server.trafficKey)
        for round in 0..<50 as Range<UInt8> {
            let old = keyBytes(pair)
            pair.client.updateKeys()
            try pair.exchange()
            #expect(keyBytes(pair) != old)
            #expect(key.isFree)
            try pair.server.sendAll([round])
            try pair.client.sendAll([round])
            try pair.exchange()
        }
        #expect(pair.atClient == Array(0..<50))
        #expect(pair.atServer == Array(0..<50))
    }

    @Test func `a worn key is not free, and is changed with the next record of the session`() throws {
        var pair = try established()
        let key = try #require(pair.server.trafficKey)
        for round in 0..<20 as Range<UInt8> {
            let old = keyBytes(pair)
            key.wearOut()
            try pair.client.sendAll([round])
            try pair.exchange()
            #expect(!key.isFree)
            try pair.server.sendAll([round])
            #expect(keyBytes(pair) != old)
            try pair.exchange()
            #expect(key.isFree)
        }
        #expect(pair.atClient == Array(0..<20))
        #expect(pair.atServer == Array(0..<20))
    }

    @Test func `what comes with a peer's request for a new key is answered behind ours`() throws {
        var pair = try established()
        let old = keyBytes(pair)
        pair.client.updateKeys()
        try pair.client.sendAll([1])
        let bytes = pair.client.takeAll()
        _ = try pair.server.receive(bytes.span) { _ in
            #expect(keyBytes(pair) != old)
            try! pair.server.sendAll([2])
            return true
        }
        try pair.exchange()
        #expect(pair.atClient == [2])
    }

    @Test func `who has ended answers no request for a new key`() throws {
        let pair = try established()
        pair.server.sendEnd()
        pair.server.sent(pair.server.outputBytes)
        pair.client.updateKeys()
        let bytes = pair.client.takeAll()
        _ = try pair.server.receive(bytes.span) { _ in true }
        #expect(!pair.server.hasOutput)
    }

    @Test func `a client with a certificate gets its tickets and its records`() throws {
        let gateway = try authority.issue("gateway.test")
        let engine = try authority.issue("engine.test")
        let strict = try TLSContext.server(certificate: gateway.certificate, key: gateway.key, clientCA: authority.certificate)
        var pair = try Pair(TLSContext.client(trusting: authority.certificate, certificate: engine.certificate, key: engine.key), strict)
        try pair.exchange()
        try pair.server.sendAll([7])
        try pair.exchange()
        #expect(pair.server.trafficKey != nil)
        #expect(pair.atClient == [7])
    }
}
