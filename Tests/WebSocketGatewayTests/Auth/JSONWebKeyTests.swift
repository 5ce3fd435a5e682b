import OpenSSL
import Sessions
import Testing

@testable import WebSocketGateway

@Suite("Keys of a key set")
struct JSONWebKeyTests {
    private static let n =
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
    private static let kinds = [
        "EC":
            #""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#,
        "RSA": #""kty":"RSA","n":"\#(n)","e":"AQAB""#,
        "OKP": #""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#,
        "oct": #""kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow""#,
        "": "",
    ]

    /// The members of a good key of that kind, and more.
    private func entry(_ kind: String, _ more: String) throws -> TokenKeys.Entry? {
        let members = [Self.kinds[kind, default: ""], more].filter { !$0.isEmpty }.joined(separator: ",")
        return try JSONWebKey.entry(JSON.parse("{\(members)}"))
    }

    @Test(
        arguments: [
            ("RSA", "", "RS256"), ("RSA", #""alg":"RS256""#, "RS256"), ("RSA", #""alg":"PS256""#, "PS256"), ("EC", "", "ES256"),
            ("EC", #""alg":"ES256""#, "ES256"), ("OKP", "", "EdDSA"), ("OKP", #""alg":"EdDSA""#, "EdDSA"), ("oct", "", "HS256"),
            ("oct", #""alg":"HS256","use":"sig""#, "HS256"), ("RSA", #""use":"sig","key_ops":["verify"],"kid":"k1","x5t":"abc""#, "RS256"),
        ] as [(String, String, String)])
    func `a key has the algorithm it says, or its kind's`(_ kind: String, _ more: String, _ algorithm: String) throws {
        let entry = try #require(try entry(kind, more))
        #expect(entry.key.algorithm.rawValue == algorithm)
        #expect(entry.id == (more.contains("kid") ? "k1" : nil))
    }

    @Test(
        arguments: [
            ("RSA", #""use":"enc""#), ("RSA", #""key_ops":["encrypt"]"#), ("RSA", #""key_ops":5"#), ("RSA", #""alg":"RS512""#),
            ("RSA", #""alg":"none""#),
            ("RSA", #""alg":5"#), ("", #""kty":"EC","crv":"P-384","x":"","y":"""#), ("", #""kty":"OKP","crv":"X25519","x":"AA""#),
            ("", #""kty":"AKP""#),
        ] as [(String, String)])
    func `a key that is for something else is passed over`(_ kind: String, _ more: String) throws { #expect(try entry(kind, more) == nil) }

    @Test(
        arguments: [
            ("", ""), ("", #""kty":5"#), ("", #""kty":"RSA""#), ("", #""kty":"RSA","n":"AQAB","e":"AQAB""#), ("RSA", #""alg":"HS256""#),
            ("EC", #""alg":"RS256""#), ("oct", #""alg":"RS256""#), ("OKP", #""alg":"ES256""#), ("", #""kty":"oct","k":"c2hvcnQ""#),
            ("", #""kty":"oct""#),
            ("", #""kty":"EC","crv":"P-256","x":"AA","y":"AA""#), ("RSA", #""kid":5"#),
            ("", #""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR""#),
        ] as [(String, String)])
    func `a key that should do and does not is an error`(_ kind: String, _ more: String) {
        #expect(throws: JSONWebKey.Fault.self) { try entry(kind, more) }
    }
}
