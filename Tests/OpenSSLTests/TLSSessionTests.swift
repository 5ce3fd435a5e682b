import OpenSSL
import Testing

@Suite("TLS sessions: bytes in, bytes out")
struct TLSSessionTests {
    private let authority: Authority
    private let gateway: Authority.Identity
    private let server: TLSContext
    private let client: TLSContext

    init() throws {
        authority = try Authority()
        gateway = try authority.issue("gateway.test")
        server = try TLSContext.server(certificate: gateway.certificate, key: gateway.key)
        client = try TLSContext.client(trusting: authority.certificate)
    }

    private func established(_ clientContext: TLSContext? = nil) throws -> Pair {
        var pair = try Pair(clientContext ?? client, server)
        try pair.exchange()
        try #require(pair.client.isEstablished && pair.server.isEstablished)
        return pair
    }

    // MARK: Handshake

    @Test func `two sessions agree on TLS 1.3`() throws {
        let pair = try established()
        #expect(pair.server.version == "TLSv1.3")
        #expect(!pair.server.isResumed)
    }

    @Test func `a client of TLS 1.2 is served`() throws {
        client.allowOnlyTLS12()
        #expect(try established().server.version == "TLSv1.2")
    }

    @Test(arguments: [1, 2, 7, 100]) func `a handshake is the same however its bytes are split`(piece: Int) throws {
        var pair = try Pair(client, server)
        try pair.exchange(piece: piece)
        #expect(pair.client.isEstablished && pair.server.isEstablished)
    }

    @Test func `the name is checked by the client`() throws {
        var pair = try Pair(client, server, name: "elsewhere.test")
        #expect(throws: TLSFailure(.badCertificate, "hostname mismatch")) { try pair.exchange() }
    }

    @Test(
        arguments: [
            ("20200101000000Z", "20210101000000Z", "certificate has expired"),
            ("20980101000000Z", "20990101000000Z", "certificate is not yet valid"),
        ])
    func `a client says why it does not trust a certificate`(from: String, to: String, why: String) throws {
        let identity = try authority.issue("gateway.test", from: from, to: to)
        var pair = try Pair(client, TLSContext.server(certificate: identity.certificate, key: identity.key))
        #expect(throws: TLSFailure(.badCertificate, why)) { try pair.exchange() }
    }

    @Test func `an address is checked as one`() throws {
        var pair = try Pair(client, server, name: "127.0.0.1")
        try pair.exchange()
        #expect(pair.server.isEstablished)
        var other = try Pair(client, server, name: "127.0.0.2")
        #expect(throws: TLSFailure.self) { try other.exchange() }
    }

    @Test func `a client that does not trust us says so by an alert`() throws {
        let stranger = try Authority()
        let pair = try Pair(TLSContext.client(trusting: stranger.certificate), server)
        var arrived: [UInt8] = []
        try Pair.carry(from: pair.client, to: pair.server, .max, &arrived)
        let refused = #expect(throws: TLSFailure.self) { try Pair.carry(from: pair.server, to: pair.client, .max, &arrived) }
        #expect(refused?.reason == .badCertificate)
        let told = #expect(throws: TLSFailure.self) { try Pair.carry(from: pair.client, to: pair.server, .max, &arrived) }
        #expect(told?.reason == .alert)
        #expect(arrived.isEmpty)
    }

    // MARK: Clients with certificates

    @Test func `a client with a certificate of ours gets in, others do not`() throws {
        let strict = try TLSContext.server(certificate: gateway.certificate, key: gateway.key, clientCA: authority.certificate)
        let engine = try authority.issue("engine.test")
        var known = try Pair(
            TLSContext.client(trusting: authority.certificate, certificate: engine.certificate, key: engine.key), strict)
        try known.exchange()
        #expect(known.server.isEstablished)

        #expect(try failure(client, strict)?.reason == .noCertificate)

        let stranger = try Authority().issue("stranger.test")
        let wrong = try TLSContext.client(trusting: authority.certificate, certificate: stranger.certificate, key: stranger.key)
        #expect(try failure(wrong, strict)?.reason == .badCertificate)

        let old = try authority.issue("old.test", to: "20210101000000Z")
        let expired = try TLSContext.client(trusting: authority.certificate, certificate: old.certificate, key: old.key)
        #expect(try failure(expired, strict)?.reason == .badCertificate)
    }

    /// What the server says of this client.
    private func failure(_ client: TLSContext, _ server: TLSContext) throws -> TLSFailure? {
        let pair = try Pair(client, server)
        var arrived: [UInt8] = []
        do {
            for _ in 0..<4 {
                try Pair.carry(from: pair.client, to: pair.server, .max, &arrived)
                try Pair.carry(from: pair.server, to: pair.client, .max, &arrived)
            }
        } catch let failure as TLSFailure {
            return failure
        }
        return nil
    }

    // MARK: Bytes

    @Test(arguments: [1, 100, 16_384, 16_385, 100_000]) func `bytes arrive as they were sent, both ways`(count: Int) throws {
        var pair = try established()
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try pair.client.sendAll(bytes)
        try pair.server.sendAll(bytes)
        try pair.exchange(piece: 1000)
        #expect(pair.atServer == bytes)
        #expect(pair.atClient == bytes)
    }

    @Test func `one send is one record at the most`() throws {
        let pair = try established()
        let bytes = [UInt8](repeating: 1, count: 40_000)
        #expect(try pair.server.send(bytes.span) == TLSSession.recordBytesMax)
        #expect(pair.server.outputBytes < TLSSession.recordBytesMax + 64)
        #expect(try pair.server.send([UInt8]().span) == 0)
    }

    @Test func `output that is sent in part is kept, and none when it is sent`() throws {
        let pair = try established()
        _ = try pair.server.send([UInt8](repeating: 1, count: 100).span)
        let whole = pair.server.outputBytes
        pair.server.sent(10)
        #expect(pair.server.outputBytes == whole - 10)
        pair.server.sent(whole - 10)
        #expect(!pair.server.hasOutput)
    }

    @Test func `who says no to the rest gets no more of it`() throws {
        let pair = try established()
        try pair.client.sendAll([UInt8](repeating: 1, count: 200_000))
        let bytes = pair.client.takeAll()
        var calls = 0
        _ = try pair.server.receive(bytes.span) { _ in
            calls += 1
            return false
        }
        #expect(calls == 1)
    }

    @Test func `a session answers while it reads`() throws {
        let pair = try established()
        try pair.client.sendAll(Array("question".utf8))
        let bytes = pair.client.takeAll()
        _ = try pair.server.receive(bytes.span) { _ in
            try! pair.server.sendAll(Array("answer".utf8))
            return true
        }
        var arrived: [UInt8] = []
        try Pair.carry(from: pair.server, to: pair.client, .max, &arrived)
        #expect(arrived == Array("answer".utf8))
    }

    // MARK: Resumption

    @Test func `contexts made anew take no tickets of the old`() throws {
        // A client of ours keeps no tickets; that real ones resume is in the end-to-end tests.
        #expect(try !established().server.isResumed)
        #expect(try !established().server.isResumed)
    }

    // MARK: Ends

    @Test func `the end is told once, and reading goes on behind it`() throws {
        let pair = try established()
        try pair.client.sendAll([1, 2, 3])
        pair.client.sendEnd()
        pair.client.sendEnd()
        var arrived: [UInt8] = []
        #expect(try Pair.carry(from: pair.client, to: pair.server, .max, &arrived) == .ended)
        #expect(arrived == [1, 2, 3])
        try pair.server.sendAll([4])
        pair.server.sendEnd()
        var back: [UInt8] = []
        #expect(try Pair.carry(from: pair.server, to: pair.client, .max, &back) == .ended)
        #expect(back == [4])
        #expect(throws: TLSFailure.self) { try pair.client.send([1].span) }
    }

    @Test func `an end before the handshake is done says nothing`() throws {
        let session = try TLSSession.server(server, TLSBuffers())
        session.sendEnd()
        #expect(!session.hasOutput)
    }

    // MARK: What a peer does wrong

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", TLSFailure.Reason.plainHTTP), ("CONNECT a:443 HTTP/1.1\r\n\r\n", .plainHTTP),
        ("SSH-2.0-OpenSSH_9.2\r\n", .notTLS), (String(repeating: "\u{0}", count: 64), .notTLS),
    ])
    func `who speaks no TLS is found out`(text: String, reason: TLSFailure.Reason) throws {
        #expect(try failure(of: Array(text.utf8)) == reason)
    }

    @Test func `TLS 1.0 and 1.1 are refused`() throws {
        // Version 3.1 and 3.2, ECDHE-RSA-AES128-SHA; nothing else.
        for minor: UInt8 in [1, 2] {
            let body: [UInt8] = [3, minor] + [UInt8](repeating: 7, count: 32) + [0, 0, 2, 0xC0, 0x13, 1, 0]
            let message: [UInt8] = [1, 0, 0, UInt8(body.count)] + body
            #expect(try failure(of: [22, 3, 1, 0, UInt8(message.count)] + message) == .version)
        }
    }

    /// What a server says of these bytes.
    private func failure(of bytes: [UInt8]) throws -> TLSFailure.Reason? {
        let session = try TLSSession.server(server, TLSBuffers())
        do throws(TLSFailure) {
            _ = try session.receive(bytes.span) { _ in true }
            return nil
        } catch {
            // And for good.
            #expect(throws: TLSFailure.self) { try session.receive(bytes.span) { _ in true } }
            return error.reason
        }
    }

    @Test func `a record that was changed on its way ends the session`() throws {
        let pair = try established()
        try pair.client.sendAll([1, 2, 3])
        var bytes = pair.client.takeAll()
        bytes[bytes.count - 1] ^= 1
        let failure = #expect(throws: TLSFailure.self) { try pair.server.receive(bytes.span) { _ in true } }
        #expect(failure?.reason == .violation)
        #expect(throws: TLSFailure.self) { try pair.server.send([1].span) }
    }

    @Test func `what came before a broken record is handed on`() throws {
        let pair = try established()
        try pair.client.sendAll([1, 2, 3])
        let bytes = pair.client.takeAll() + [23, 3, 3, 0, 32] + [UInt8](repeating: 0, count: 32)
        var arrived: [UInt8] = []
        #expect(throws: TLSFailure.self) {
            try pair.server.receive(bytes.span) { plaintext in
                for i in plaintext.indices { arrived.append(plaintext[i]) }
                return true
            }
        }
        #expect(arrived == [1, 2, 3])
    }

    @Test func `a peer may change its key, and not do nothing else`() throws {
        var pair = try established()
        for i in 0..<2000 {
            pair.client.updateKeys()
            if i % 100 == 0 {
                try pair.client.sendAll([1])
                try pair.server.sendAll([1])
            }
            try pair.exchange()
        }
        #expect(pair.atServer.count == 20)
        let failure = #expect(throws: TLSFailure.self) {
            for _ in 0..<5000 {
                pair.client.updateKeys()
                try pair.exchange()
            }
        }
        #expect(failure?.reason == .flood)
    }

    @Test func `a handshake that never ends is a flood`() throws {
        let session = try TLSSession.server(server, TLSBuffers())
        // A hello of 128 KiB, in records of 16 KiB.
        var record: [UInt8] = [22, 3, 1, 0x40, 0] + [UInt8](repeating: 0, count: 16_384)
        record.replaceSubrange(5..<9, with: [1, 1, 0xFF, 0xFF])
        let failure = #expect(throws: TLSFailure.self) {
            for _ in 0..<8 {
                _ = try session.receive(record.span) { _ in true }
                record.replaceSubrange(5..<9, with: [0, 0, 0, 0])
            }
        }
        #expect(failure != nil)
    }

    // MARK: Anything at all

    @Test(arguments: 0..<8) func `bytes of any kind never trap, and none arrives that was not sent`(seed: UInt64) throws {
        var random = Splitmix(state: seed)
        for _ in 0..<200 {
            let pair = try Pair(client, server)
            var arrived: [UInt8] = []
            var changes = Int.random(in: 1...3, using: &random)
            for _ in 0..<10 where pair.client.hasOutput || pair.server.hasOutput {
                var bytes = pair.client.takeAll()
                if changes > 0, !bytes.isEmpty, Bool.random(using: &random) {
                    changes -= 1
                    mutate(&bytes, &random)
                }
                do {
                    _ = try pair.server.receive(bytes.span) { plaintext in
                        for i in plaintext.indices { arrived.append(plaintext[i]) }
                        return true
                    }
                    _ = try pair.client.receive(pair.server.takeAll().span) { _ in true }
                } catch { break }
                if pair.client.isEstablished { try pair.client.sendAll([1, 2, 3]) }
            }
            pair.server.sendEnd()
            #expect(arrived.count % 3 == 0)
            #expect(arrived.enumerated().allSatisfy { Int($1) == $0 % 3 + 1 })
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout Splitmix) {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[Int.random(in: bytes.indices, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
        case 1: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
        case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: Int.random(in: 0...bytes.count, using: &random))
        default: bytes = (0..<Int.random(in: 1...600, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
    }
}

private struct Splitmix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
