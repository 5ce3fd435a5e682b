import Testing

@testable import OpenSSL

/// RFC 8448 §3, "Simple 1-RTT Handshake": the server's application traffic.
enum TraceOfRFC8448 {
    static let secret = "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643"
    static let key = bytes("9f02283b6c9c07efc26bb9f2ac92e356")
    static let nonce = bytes("cf782b88dd83549aadf1e984")
    /// The record of the 50 bytes 0 to 49. The session's ticket is the one before it.
    static let record = bytes(
        "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d"
    )

    static func bytes(_ hex: String) -> [UInt8] {
        stride(from: 0, to: hex.utf8.count, by: 2).map { start in
            UInt8(hex.dropFirst(start).prefix(2), radix: 16)!
        }
    }

    static var line: String { "SERVER_TRAFFIC_SECRET_0 \(String(repeating: "ab", count: 32)) \(secret)" }
}

extension TrafficSecret {
    fileprivate init?(line: String) { self.init(keyLogLine: Array(line.utf8).span) }
}

@Suite struct TrafficSecretTests {
    @Test func `a secret expands to the key and the nonce of RFC 8448`() throws {
        let secret = try #require(TrafficSecret(line: TraceOfRFC8448.line))
        #expect(secret.expand("key", count: 16) == TraceOfRFC8448.key)
        #expect(secret.expand("iv", count: 12) == TraceOfRFC8448.nonce)
    }

    @Test func `its first key seals the record of RFC 8448, behind the ticket`() throws {
        let key = try #require(TrafficSecret(line: TraceOfRFC8448.line)?.firstKey())
        let sealer = try #require(RecordSealer())
        _ = sealer.seal([0].span, with: key) { $0.count }
        let content = (0..<50).map(UInt8.init)
        let record = sealer.seal(content.span, with: key) { record in record.indices.map { record[$0] } }
        #expect(record == TraceOfRFC8448.record)
    }

    @Test func `an update makes another secret, and none comes back`() throws {
        var secret = try #require(TrafficSecret(line: TraceOfRFC8448.line))
        var seen: Set<[UInt8]> = []
        for _ in 0..<100 {
            #expect(seen.insert(secret.expand("key", count: 16)).inserted)
            secret.update()
        }
    }

    @Test(arguments: [
        "", "SERVER_TRAFFIC_SECRET_0", "CLIENT_TRAFFIC_SECRET_0 ab \(TraceOfRFC8448.secret)", "EXPORTER_SECRET ab \(TraceOfRFC8448.secret)",
        "SERVER_TRAFFIC_SECRET_0 ab \(TraceOfRFC8448.secret)00", "SERVER_TRAFFIC_SECRET_0 ab \(TraceOfRFC8448.secret.dropLast(2))",
        "SERVER_TRAFFIC_SECRET_0 ab \(TraceOfRFC8448.secret.dropLast(1))g", "SERVER_TRAFFIC_SECRET_0 ab cd \(TraceOfRFC8448.secret)",
        // SHA-384's.
        "SERVER_TRAFFIC_SECRET_0 ab \(String(repeating: "0", count: 96))",
    ])
    func `other lines of a key log say nothing`(line: String) { #expect(TrafficSecret(line: line) == nil) }
}
