import Testing

@testable import WebSocketGateway

@Suite("A token taken apart")
struct TokenTests {
    private func parse(_ text: String) throws(TokenFault) -> Token { try Token.parse(text.utf8.span) }

    private func header(_ json: String) throws(TokenFault) -> Token {
        try parse("\(Base64URL.encode(Array(json.utf8))).e30.AA")
    }

    /// RFC 7515 A.1: white space and line ends in the header are its own.
    @Test func `the example of RFC 7515 is taken apart`() throws {
        let token = try parse(
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        )
        #expect(token.algorithm == "HS256" && token.keyID == nil)
        #expect(token.signedBytes == 40 + 1 + 94)
        #expect(
            String(decoding: token.payload, as: UTF8.self)
                == "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}")
        #expect(token.signature.count == 32)
    }

    @Test(arguments: [
        "", ".", "..", "...", "e30", "e30.e30", "e30.e30.", ".e30.AA", "e30..AA", "eyJhbGciOiJIUzI1NiJ9.e30.AA.AA",
        "eyJhbGciOiJIUzI1NiJ9.e30.AA.",
        "eyJhbGciOiJIUzI1NiJ9.e30.A", "eyJhbGciOiJIUzI1NiJ9.e30.AB", "eyJhbGciOiJIUzI1NiJ9.e30.AA==", " eyJhbGciOiJIUzI1NiJ9.e30.AA",
        "eyJhbGciOiJIUzI1NiJ9.e30.AA ", "eyJhbGciOiJIUzI1NiJ9.e30.AA\n", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.AA", "null", "undefined",
    ])
    func `what has another form is malformed`(_ text: String) {
        #expect(throws: TokenFault.malformed) { try parse(text) }
    }

    @Test(arguments: [
        "{}", "[]", "\"HS256\"", #"{"alg":null}"#, #"{"alg":5}"#, #"{"alg":["HS256"]}"#, #"{"alg":"HS256","alg":"none"}"#,
        #"{"alg":"HS256","kid":7}"#,
        #"{"alg":"HS256","kid":null}"#, #"{"alg":"HS256","typ":null}"#, #"{"alg":"HS256"} {}"#, #"{"alg":"HS256",}"#,
    ])
    func `a header that does not say how it is signed is malformed`(_ json: String) {
        #expect(throws: TokenFault.malformed) { try header(json) }
    }

    @Test(arguments: [
        #"{"alg":"HS256","crit":["exp"],"exp":1}"#, #"{"alg":"HS256","crit":[]}"#, #"{"alg":"HS256","crit":null}"#,
        #"{"alg":"HS256","b64":false}"#,
        #"{"alg":"HS256","typ":"dpop+jwt"}"#, #"{"alg":"HS256","typ":"logout+jwt"}"#, #"{"alg":"HS256","typ":""}"#,
    ])
    func `what must be understood, and other types, are refused`(_ json: String) {
        #expect(throws: TokenFault.unsupported) { try header(json) }
    }

    @Test(arguments: ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"]) func `types of access tokens are let pass`(_ type: String)
        throws
    {
        #expect(try header(#"{"alg":"ES256","typ":"\#(type)","kid":"k"}"#).keyID == "k")
    }

    @Test func `what is longer than the limit is not looked at`() throws {
        let fits = "eyJhbGciOiJIUzI1NiJ9.e30." + String(repeating: "A", count: Token.bytesMax - 25)
        #expect(fits.utf8.count == Token.bytesMax)
        #expect(throws: TokenFault.malformed) { try parse(fits + "A") }
        #expect(throws: Never.self) { try parse(fits.dropLast(fits.utf8.count % 4 == 2 ? 0 : 1) + "") }
    }
}
