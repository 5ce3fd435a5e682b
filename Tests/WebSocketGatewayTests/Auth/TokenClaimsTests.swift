import Testing

@testable import WebSocketGateway

@Suite("A token's claims")
struct TokenClaimsTests {
    private func claims(_ json: String, _ expected: TokenClaims.Expected = .init()) throws(TokenFault) -> TokenClaims {
        try TokenClaims(json.utf8.span, expected)
    }

    @Test(arguments: [
        (#"{"sub":"a","userId":"b","id":"c"}"#, "a"), (#"{"id":"c","userId":"b"}"#, "b"), (#"{"id":"c"}"#, "c"),
        (#"{"sub":"\u00e9"}"#, "é"),
    ])
    func `the subject is sub, else userId, else id`(_ json: String, _ subject: String) throws {
        #expect(try claims(json).identity.subject == subject)
    }

    @Test(arguments: [
        "{}", #"{"sub":""}"#, #"{"sub":7}"#, #"{"sub":null,"id":"c"}"#, #"{"sub":["a"]}"#, #"{"sub":"a\nb"}"#, #"{"sub":"a\u0000"}"#,
        #"{"sub":"a\ud800"}"#, #"{"sub":"\#(String(repeating: "x", count: 257))"}"#, #"{"sub":"a","exp":"1"}"#, #"{"sub":"a","exp":true}"#,
        #"{"sub":"a","exp":null}"#, #"{"sub":"a","nbf":"now"}"#, #"{"sub":"a","iat":{}}"#, #"{"sub":"a","sessions":"s1"}"#,
        #"{"sub":"a","sessions":[1]}"#, #"{"sub":"a","sessions":["a*b"]}"#, #"{"sub":"a","actions":"pause"}"#,
        #"{"sub":"a","actions":[1]}"#,
        #"{"sub":"a","actions":[""]}"#, #"{"sub":"a","actions":null}"#,
    ])
    func `what is not as it should be is refused and never guessed`(_ json: String) {
        #expect(throws: TokenFault.claims) { try claims(json) }
    }

    @Test(arguments: ["", "[]", "{", #"{"sub":"a","sub":"b"}"#, #"{"sub":"a"}{}"#]) func `what is no object is malformed`(_ json: String) {
        #expect(throws: TokenFault.malformed) { try claims(json) }
    }

    @Test func `actions are those named, in any case, or all`() throws {
        let all = try claims(#"{"sub":"a"}"#).identity
        #expect(all.allows(action: "stop"))
        let some = try claims(#"{"sub":"a","actions":["Pause","RESUME"]}"#).identity
        #expect(some.allows(action: "pause") && some.allows(action: "resume") && !some.allows(action: "stop"))
        #expect(!(try claims(#"{"sub":"a","actions":[]}"#).identity.allows(action: "pause")))
    }

    @Test func `an action is its bytes, as its engine reads it`() throws {
        let some = try claims("{\"sub\":\"a\",\"actions\":[\"caf\u{E9}\",\"cle\u{301}\",\"\u{212A}\"]}").identity
        #expect(some.allows(action: "caf\u{E9}") && !some.allows(action: "cafe\u{301}"))
        #expect(some.allows(action: "cle\u{301}") && !some.allows(action: "cl\u{E9}"))
        #expect(!some.allows(action: "K") && !some.allows(action: "k"))
    }

    @Test func `issuer and audience are looked at where they are set`() throws {
        let expected = TokenClaims.Expected(issuer: "https://issuer", audience: "gateway")
        for good in [#""aud":"gateway""#, #""aud":["x","gateway"]"#] {
            #expect(throws: Never.self) { try claims(#"{"sub":"a","iss":"https://issuer",\#(good)}"#, expected) }
        }
        for bad in [#""iss":"https://issuer/""#, #""iss":5"#, #""x":1"#, #""iss":["https://issuer"]"#] {
            #expect(throws: TokenFault.issuer) { try claims(#"{"sub":"a","aud":"gateway",\#(bad)}"#, expected) }
        }
        for bad in [#""aud":"Gateway""#, #""aud":[]"#, #""aud":["x"]"#, #""aud":{"gateway":1}"#, #""x":1"#, #""aud":[["gateway"]]"#] {
            #expect(throws: TokenFault.audience) { try claims(#"{"sub":"a","iss":"https://issuer",\#(bad)}"#, expected) }
        }
        #expect(throws: Never.self) { try claims(#"{"sub":"a","iss":"anybody","aud":"anything"}"#) }
    }

    private static let second: Int64 = 1_000_000
    private static let now: Int64 = 1_800_000_000 * second

    @Test(arguments: [
        ("{}", true), (#"{"exp":1800000001}"#, true), (#"{"exp":1800000000}"#, true), (#"{"exp":1799999971}"#, true),
        (#"{"exp":1799999970}"#, false), (#"{"exp":1799999970.5}"#, true), (#"{"exp":0}"#, false), (#"{"exp":-1}"#, false),
        (#"{"exp":-1e300}"#, false), (#"{"exp":1e300}"#, true), (#"{"exp":9223372036854775807}"#, true),
        (#"{"exp":99999999999999999999}"#, true),
        (#"{"exp":-9223372036854775808}"#, false), (#"{"nbf":1800000030}"#, true), (#"{"nbf":1800000031}"#, false),
        (#"{"nbf":1800000030.5}"#, false), (#"{"nbf":1e300}"#, false), (#"{"nbf":-1e300}"#, true), (#"{"nbf":0,"exp":1e12}"#, true),
        (#"{"iat":1e300}"#, true),
    ])
    func `exp and nbf count to the second, with thirty of leeway, whatever their size`(_ json: String, _ isGood: Bool) throws {
        let claims = try claims(json == "{}" ? #"{"sub":"a"}"# : #"{"sub":"a","# + json.dropFirst())
        if isGood {
            #expect(throws: Never.self) { try claims.check(now: Self.now) }
        } else {
            let fault = json.contains("nbf") ? TokenFault.notYetValid : .expired
            #expect(throws: fault) { try claims.check(now: Self.now) }
        }
    }
}
