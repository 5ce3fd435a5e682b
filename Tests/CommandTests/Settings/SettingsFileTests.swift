import Testing
import WebSocketGateway

@testable import websocket_gateway

@Suite struct SettingsFileTests {
    @Test func `a line is name = value, comments and blank lines are nothing`() throws {
        let file = try SettingsFile(
            parsing: "# all of it\n\nlisten = 127.0.0.1:9000  # the public one\n  workers=2\r\nallowed-origins = \"https://a.example, *\"\n"
        )
        #expect(file.entries.map(\.name) == ["listen", "workers", "allowed-origins"])
        #expect(file.entries.map(\.value) == ["127.0.0.1:9000", "2", "https://a.example, *"])
        #expect(file.entries.map(\.line) == [3, 4, 5])
    }

    @Test func `an empty value is a value`() throws {
        #expect(try SettingsFile(parsing: "allowed-origins =").entries.first?.value == "")
    }

    @Test func `a combining mark hides no quote, no equals sign and no comment`() throws {
        let file = try SettingsFile(parsing: "a = \"\u{301}x\"\nb =\u{338} 1 #\u{301} comment\n")
        #expect(file.entries.map(\.name) == ["a", "b"])
        #expect(file.entries.map(\.value) == ["\u{301}x", "\u{338} 1"])
    }

    @Test(arguments: [
        ("workers", "line 1 is not name = value"), ("\n= 2", "line 2 has no name"),
        ("workers = 1\nworkers = 2", "line 2 sets workers again, line 1"),
    ])
    func `a line that cannot be meant is refused with its number`(_ text: String, _ reason: String) throws {
        let error = try #require(throws: SettingsError.self) { try SettingsFile(parsing: text) }
        #expect(error.reason.hasPrefix(reason))
    }
}
