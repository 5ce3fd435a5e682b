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
        ("a = api#prod", "api#prod"), ("a = api #prod", "api"), ("a = api\t#prod", "api"), ("a = # nothing", ""), ("a =#1", "#1"),
        ("a = \"api #prod\"", "api #prod"), ("a = \"/tmp/da #ta\" # there", "/tmp/da #ta"), ("a = \" x \"", " x "), ("a = \"\"", ""),
        ("a = \"#\"", "#"), ("a=\"x\"", "x"), ("  a = x  ", "x"), ("a = 5\" disk", "5\" disk"),
        ("a = https://a.example/#x, *", "https://a.example/#x, *"),
        ("a = x # y # z", "x"), ("a = \"x = y\"", "x = y"), ("a = x##", "x##"), ("a = \"x\"\r", "x"),
    ])
    func `a comment begins behind white space, and never within quotes`(_ line: String, _ value: String) throws {
        #expect(try SettingsFile(parsing: line + "\n").entries.map(\.value) == [value])
    }

    @Test(arguments: ["#", "# a = 1", "  # a = 1", "\t#a=1", "", "   ", "\r"])
    func `a line without a setting is nothing`(_ line: String) throws {
        #expect(try SettingsFile(parsing: line).entries.isEmpty)
    }

    @Test(arguments: [
        ("workers", 1, "not name = value"), ("workers # = 1", 1, "not name = value"), ("\n= 2", 2, "no name before the ="),
        ("workers = 1\nworkers = 2", 2, "sets workers again, line 1 did already"),
        ("\n\ndata = \"/tmp/da", 3, "a double quote is opened and not closed"), ("data = \"", 1, "a double quote is opened and not closed"),
        ("data = \"/tmp/da # comment", 1, "a double quote is opened and not closed"),
        ("data = \"a\" b", 1, "behind the closing double quote stands more than a comment"),
        ("data = \"a\"# b", 1, "behind the closing double quote stands more than a comment"),
        ("data = \"a\"b\"", 1, "behind the closing double quote stands more than a comment"),
    ])
    func `a line that cannot be meant is refused with its number`(_ text: String, _ line: Int, _ reason: String) throws {
        #expect(throws: SettingsFile.Fault(line: line, reason: reason)) { try SettingsFile(parsing: text) }
    }
}
