import Testing

@testable import WebSocketGateway

@Suite("Which pages may connect")
struct OriginPolicyTests {
    private static func allows(_ policy: OriginPolicy, _ origin: String) -> Bool { policy.allows([UInt8](origin.utf8).span) }

    @Test(
        arguments: [
            ("http://localhost", true), ("http://localhost:3000", true), ("https://127.0.0.1:8443", true),
            ("http://[::1]:5173", true),
            ("http://[::1]", true), ("https://localhost:65535", true), ("http://localhost:65536", false), ("http://localhost:", false),
            ("http://localhost:+80", false), ("null", false), ("", false), ("localhost", false), ("://localhost", false),
            ("http://", false),
            ("http://localhost.evil.example", false), ("http://evil.example", false), ("http://localhost/", false),
            ("http://localhost@evil.example", false),
            ("http://evil.example/http://localhost", false), ("http://127.0.0.1.evil.example:80", false), ("http://127.0.0.2", false),
            ("http://[::2]", false),
            ("http://[::1]evil.example", false), ("http://[::1", false), ("http://0.0.0.0", false), ("file://", false),
            ("http://localhost:80:80", false),
        ] as [(String, Bool)])
    func `a loopback listener without a list allows loopback pages`(origin: String, isAllowed: Bool) throws {
        #expect(try Self.allows(OriginPolicy([], onLoopback: true), origin) == isAllowed)
    }

    @Test(arguments: [("http://localhost", false), ("https://app.example.com", false), ("null", false)] as [(String, Bool)])
    func `another listener without a list allows no page`(origin: String, isAllowed: Bool) throws {
        #expect(try Self.allows(OriginPolicy([], onLoopback: false), origin) == isAllowed)
    }

    @Test(
        arguments: [
            ("https://app.example.com", true), ("HTTPS://APP.EXAMPLE.COM", true), ("https://app.example.com:443", false),
            ("http://app.example.com", false),
            ("https://app.example.com.evil.example", false), ("https://evil.example", false), ("http://localhost", false),
            ("http://localhost:3000", true),
            ("http://[2001:db8::1]:80", true), ("null", false),
        ] as [(String, Bool)])
    func `a list is compared exactly, but for case`(origin: String, isAllowed: Bool) throws {
        let policy = try OriginPolicy(["https://App.example.com", "http://localhost:3000", "http://[2001:db8::1]:80"], onLoopback: true)
        #expect(Self.allows(policy, origin) == isAllowed)
    }

    @Test(arguments: ["http://evil.example", "null", ""])
    func `a star allows all`(origin: String) throws {
        #expect(try Self.allows(OriginPolicy(["*"], onLoopback: false), origin))
        #expect(try Self.allows(OriginPolicy(["https://a.example", "*"], onLoopback: false), origin))
    }

    @Test(arguments: [
        "", "app.example.com", "https://", "https://app.example.com/", "https://a.example:port", "https://a.example:",
        "https://u@a.example", "//a.example", "https://:80",
    ])
    func `what is no origin is refused by name`(text: String) {
        let error = #expect(throws: SettingsError.self) { try OriginPolicy(["https://ok.example", text], onLoopback: true) }
        #expect(error?.setting == "allowed-origins")
        #expect(error?.reason.contains("\"\(text)\"") == true)
    }
}
