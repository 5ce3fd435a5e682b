import Testing

@testable import Curl

@Suite("Where a document is fetched from")
struct FetchAddressTests {
    private func fault(_ text: String) -> FetchAddress.Fault? {
        do throws(FetchAddress.Fault) {
            _ = try FetchAddress(parsing: text)
            return nil
        } catch { return error }
    }

    @Test(arguments: [
        "https://issuer.example/jwks.json", "https://issuer.example", "https://issuer.example:8443/a/b?c=d", "https://10.0.0.1/jwks",
        "https://[2001:db8::1]/jwks", "HTTPS://issuer.example/", "http://localhost:8080/jwks", "http://LocalHost/", "http://127.0.0.1/jwks",
        "http://127.255.255.254:1/", "http://[::1]:9000/jwks",
    ])
    func `https from anywhere, and http from this machine`(_ text: String) { #expect(fault(text) == nil) }

    @Test(arguments: [
        ("http://issuer.example/jwks", FetchAddress.Fault.plainBeyondThisMachine), ("http://10.0.0.1/", .plainBeyondThisMachine),
        ("http://127.evil.example/", .plainBeyondThisMachine), ("http://127.0.0.1.evil.example/", .plainBeyondThisMachine),
        ("http://localhost.evil.example/", .plainBeyondThisMachine), ("http://localhost./", .plainBeyondThisMachine),
        ("http://0.0.0.0/", .plainBeyondThisMachine), ("http://128.0.0.1/", .plainBeyondThisMachine),
        ("http://[::ffff:127.0.0.1]/", .plainBeyondThisMachine), ("http://[2001:db8::1]/", .plainBeyondThisMachine),
        ("ftp://issuer.example/jwks", .scheme), ("file:///etc/passwd", .scheme), ("ldap://issuer.example/", .scheme),
        ("gopher://127.0.0.1:6379/_", .scheme), ("nothing://issuer.example/", .scheme),
        ("https://anna:secret@issuer.example/", .credentials), ("https://anna@issuer.example/", .credentials),
        ("http://127.0.0.1@evil.example/", .credentials),
        ("", .malformed), ("https://", .malformed), ("https:// issuer.example/", .malformed),
        ("https://issuer.example/\r\nHost: x", .malformed),
        ("https://issuer.example:99999/", .malformed), ("https://[::1/", .malformed),
    ])
    func `everything else is refused with its reason`(_ text: String, _ expected: FetchAddress.Fault) { #expect(fault(text) == expected) }

    @Test func `a query is asked and not shown, a fragment is neither`() throws {
        let address = try FetchAddress(parsing: "https://issuer.example/jwks?key=secret#part")
        #expect(address.text == "https://issuer.example/jwks?key=secret")
        #expect(address.shown == "https://issuer.example/jwks")
        #expect(address.isTLS)
        #expect(!(try FetchAddress(parsing: "http://127.0.0.1/")).isTLS)
    }

    @Test func `a host is what libcurl will ask, whatever it looks like`() throws {
        // 127.1 is how inet_aton has always read it.
        #expect(try FetchAddress(parsing: "http://127.1/").text == "http://127.0.0.1/")
        #expect(fault("http://2130706434/") == nil)
        #expect(fault("http://134744072/") == .plainBeyondThisMachine)
    }
}
