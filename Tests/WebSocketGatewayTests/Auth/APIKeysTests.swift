import OpenSSL
import Testing

@testable import WebSocketGateway

@Suite("Keys of the control listener")
struct APIKeysTests {
    private static func line(_ name: String, _ scopes: String, _ key: String) -> String {
        "\(name) \(scopes) \(SHA256.digest(key.utf8.span).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())"
    }

    private func keys(_ text: String) throws(APIKeys.Fault) -> APIKeys { try APIKeys(parsing: Array(text.utf8)) }

    private func found(_ key: String, in keys: APIKeys) -> String? { keys.find(key.utf8.span).map { keys.entries[$0].name } }

    @Test func `a key is found by its hash and by nothing else`() throws {
        let keys = try keys(
            """
            # The engines'.
            \(Self.line("engine-1", "publish,manage", "key one"))

            \t\(Self.line("prometheus", "read", "key two").uppercased().replacing("PROMETHEUS READ", with: "prometheus read"))   # scrapes\r
            """)
        #expect(keys.entries.map(\.name) == ["engine-1", "prometheus"])
        #expect(keys.entries.map(\.scopes) == [[.publish, .manage], [.read]])
        #expect(found("key one", in: keys) == "engine-1")
        #expect(found("key two", in: keys) == "prometheus")
        for other in ["", "key", "key one ", "KEY ONE", "key three", String(repeating: "k", count: 10_000)] {
            #expect(found(other, in: keys) == nil)
        }
    }

    @Test(
        arguments: [
            ("", 1), ("# nothing\n\n", 3), ("engine", 1), ("engine publish", 1), ("engine publish xyz", 1),
            ("\nengine publish \(String(repeating: "0", count: 63))", 2), ("engine publish \(String(repeating: "0", count: 66))", 1),
            ("engine publish \(String(repeating: "g", count: 64))", 1), ("engine write \(String(repeating: "0", count: 64))", 1),
            ("engine publish, \(String(repeating: "0", count: 64))", 1), ("en/gine publish \(String(repeating: "0", count: 64))", 1),
            ("\(String(repeating: "n", count: 65)) publish \(String(repeating: "0", count: 64))", 1),
            ("engine publish \(String(repeating: "0", count: 64)) more", 1),
        ] as [(String, Int)])
    func `a line that is no key is told by its number`(_ text: String, _ line: Int) {
        #expect { try keys(text) } throws: { ($0 as? APIKeys.Fault)?.line == line }
    }

    @Test func `a key that somebody wrote as it is, is not told`() {
        #expect { try keys("engine publish wsg_secret") } throws: { !"\($0)".contains("secret") }
        #expect { try keys("wsg_secret publish 1 2") } throws: { !"\($0)".contains("secret") }
    }

    @Test func `a name and a key stand once, and there is a limit to their number`() throws {
        #expect { try keys("\(Self.line("a", "read", "one"))\n\(Self.line("a", "read", "two"))") } throws: {
            ($0 as? APIKeys.Fault)?.line == 2
        }
        #expect { try keys("\(Self.line("a", "read", "one"))\n\(Self.line("b", "read", "one"))") } throws: {
            ($0 as? APIKeys.Fault)?.line == 2
        }
        let many = { (count: Int) in (0..<count).map { Self.line("k\($0)", "read", "key \($0)") }.joined(separator: "\n") }
        #expect(try keys(many(APIKeys.countMax)).entries.count == APIKeys.countMax)
        #expect(throws: APIKeys.Fault.self) { try keys(many(APIKeys.countMax + 1)) }
    }

    @Test func `a new key is found by its line`() throws {
        var random = SystemRandomNumberGenerator()
        let new = try #require(NewAPIKey(name: "engine", scopes: [.publish, .read], using: &random))
        #expect(new.key.hasPrefix("wsg_") && new.key.utf8.count == 47)
        let keys = try keys(new.line)
        #expect(found(new.key, in: keys) == "engine")
        #expect(keys.entries[0].scopes == [.publish, .read])
        #expect(!new.line.contains(new.key))
        let other = try #require(NewAPIKey(name: "engine", scopes: [.publish], using: &random))
        #expect(other.key != new.key)
    }

    @Test func `a new key has a name and a scope`() {
        var random = SystemRandomNumberGenerator()
        let nameless = NewAPIKey(name: "a b", scopes: [.read], using: &random)
        let useless = NewAPIKey(name: "a", scopes: [], using: &random)
        #expect(nameless?.key == nil && useless?.key == nil)
    }
}
