import OpenSSL
import Testing

@testable import WebSocketGateway

@Suite("The keys of tokens")
struct TokenKeysTests {
    private let maker = TokenMaker()
    /// RFC 7515 A.2.
    private static let modulus =
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"

    private func open(_ token: String, _ keys: TokenKeys) throws(TokenFault) -> Identity { try keys.open(token.utf8.span).identity }

    @Test func `what our issuer signed is believed`() throws {
        #expect(try open(maker.token(#"{"sub":"anna"}"#), maker.keys()).subject == "anna")
    }

    @Test func `what anybody else signed is not`() throws {
        #expect(throws: TokenFault.signature) { try open(TokenMaker("x").token(#"{"sub":"anna"}"#), maker.keys()) }
    }

    /// The claims of a forged token are not even read: it would be told apart by its time.
    @Test func `a forged token is forged before it is expired, malformed or another's`() throws {
        let keys = try maker.keys(.init(issuer: "i", audience: "a"))
        for claims in ["", "[]", #"{"sub":"a","exp":1}"#, #"{"sub":7}"#] {
            #expect(throws: TokenFault.signature) { try open(TokenMaker("x").token(claims), keys) }
        }
    }

    @Test(arguments: ["none", "None", "", "hs256", "HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA", "HS256 "])
    func `a token does not choose its algorithm`(_ name: String) throws {
        let token = maker.token(#"{"sub":"anna"}"#, header: #"{"alg":"\#(name)"}"#)
        #expect(throws: TokenFault.algorithm) { try open(token, maker.keys()) }
    }

    @Test func `a key with a name is for tokens that name it, and for those that name none`() throws {
        let keys = try maker.keys(id: "k1")
        #expect(throws: TokenFault.unknownKey) { try open(maker.token(#"{"sub":"a"}"#, header: #"{"alg":"HS256","kid":"k2"}"#), keys) }
        #expect(throws: Never.self) { try open(maker.token(#"{"sub":"a"}"#, header: #"{"alg":"HS256","kid":"k1"}"#), keys) }
        #expect(throws: Never.self) { try open(maker.token(#"{"sub":"a"}"#), keys) }
        #expect(throws: Never.self) { try open(maker.token(#"{"sub":"a"}"#, header: #"{"alg":"HS256","kid":"any"}"#), maker.keys()) }
    }

    @Test func `an HMAC with the public key as its secret is none of its signatures`() throws {
        let decoded = Base64URL.decode(Self.modulus.utf8.span)
        let modulus = try #require(decoded)
        let keys = TokenKeys(
            entries: [.init(id: nil, key: try SignatureKey(PublicKey(rsaModulus: modulus, exponent: [1, 0, 1])))], expected: .init())
        for name in ["HS256", "RS256", "none"] {
            let token = maker.token(#"{"sub":"anna"}"#, header: #"{"alg":"\#(name)"}"#)
            #expect(throws: name == "RS256" ? TokenFault.signature : .algorithm) { try open(token, keys) }
        }
    }
}
