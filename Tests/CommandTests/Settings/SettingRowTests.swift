import ArgumentParser
import EventLoop
import Testing
import WebSocketGateway

@testable import websocket_gateway

@Suite struct SettingRowTests {
    /// Flags that are no settings of the gateway itself.
    private static let otherFlags: Set<String> = ["config", "ready-file", "check", "help", "h", "version"]

    /// Every `--name` of `serve --help`.
    private var flags: Set<String> {
        let help = ServeCommand.helpMessage(columns: 200)
        var names: Set<String> = []
        for line in help.split(separator: "\n") {
            for word in line.split(whereSeparator: { $0 == " " || $0 == "," }).prefix(2) where line.hasPrefix("  -") && word.hasPrefix("--")
            {
                names.insert(String(word.dropFirst(2)))
            }
        }
        return names
    }

    @Test func `every setting is a flag and every flag a setting`() {
        #expect(flags.subtracting(Self.otherFlags) == Set(SettingRow.all.map(\.name)))
    }

    @Test(arguments: SettingRow.all.map(\.name))
    func `a flag that is given reaches the settings`(_ name: String) throws {
        let row = try #require(SettingRow.all.first { $0.name == name })
        let isFlag = ["allow-anonymous", "registered-sessions-only", "control-tls", "proxy-protocol"].contains(name)
        let value = ["deflate": "false", "durability": "relaxed", "token-expiry": "close", "log-level": "debug"][name] ?? "7"
        let options = try GatewayOptions.parse(isFlag ? ["--\(name)"] : ["--\(name)", value])
        #expect(options.given.map(\.name) == [name])
        var settings = GatewaySettings()
        for (_, value) in options.given { try row.read(value, &settings) }
        #expect(settings != GatewaySettings())
    }

    @Test func `every setting has its line in OPERATING, and there whether a reload changes it`() throws {
        let path = #filePath.replacing("Tests/CommandTests/Settings/SettingRowTests.swift", with: "docs/OPERATING.md")
        let text = String(decoding: try SmallFile.read(path, bytesMax: 1_048_576), as: UTF8.self)
        let table = text.split(separator: "## Reload")[0].split(separator: "\n").filter { $0.hasPrefix("| `") }
        let documented = table.compactMap { $0.split(separator: "`").dropFirst().first.map(String.init) }
        for line in table {
            let cells = line.split(separator: "|").map { String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
            let row = try #require(SettingRow.all.first { cells[0] == "`\($0.name)`" })
            let word =
                switch row.change {
                case .reloadable: "yes"
                case .newConnections: "new"
                case .atStart: "no"
                }
            #expect(cells[3] == word, "\(row.name)")
        }
        #expect(Set(documented) == Set(SettingRow.all.map(\.name)))
        #expect(documented.count == SettingRow.all.count, "none is described twice")
    }

    @Test func `a setting is told once, and its variable is its name in capitals`() {
        #expect(Set(SettingRow.all.map(\.name)).count == SettingRow.all.count)
        #expect(SettingRow.all.first { $0.name == "max-connections-per-session" }?.environmentName == "WSG_MAX_CONNECTIONS_PER_SESSION")
    }

    @Test(arguments: [
        ("true", true), ("YES", true), ("on", true), ("1", true), ("false", false), ("no", false), ("Off", false), ("0", false),
    ])
    func `a switch takes the words people use`(_ text: String, _ value: Bool) throws {
        var settings = GatewaySettings()
        settings.allowAnonymous = !value
        try #require(SettingRow.all.first { $0.name == "allow-anonymous" }).read(text, &settings)
        #expect(settings.allowAnonymous == value)
    }

    @Test func `help names what a restart is needed for`() {
        let help = ServeCommand.helpMessage(columns: 100_000)
        let names = SettingRow.all.filter { $0.change == .atStart }.map(\.name).joined(separator: ", ")
        #expect(help.contains("Changes of these need a restart: \(names)."))
    }

    @Test(arguments: SettingRow.all.map(\.name))
    func `a value is written as it is read`(_ name: String) throws {
        let row = try #require(SettingRow.all.first { $0.name == name })
        let values = [
            "deflate": ["true", "false"], "durability": ["relaxed"], "token-expiry": ["close"], "log-level": ["trace", "critical"],
        ]
        let isFlag = ["allow-anonymous", "registered-sessions-only", "control-tls", "proxy-protocol"].contains(name)
        for value in values[name] ?? (isFlag ? ["true", "false"] : ["7", "1000"]) {
            var settings = GatewaySettings()
            try row.read(value, &settings)
            #expect(row.text(settings) == value)
        }
    }

    @Test func `fractions and lists are written as they are read, and nothing is nothing`() throws {
        var settings = GatewaySettings()
        settings.heartbeatInterval = .milliseconds(1500)
        settings.trustedProxies = ["10.0.0.1", "::1"]
        let text: (String) -> String? = { name in SettingRow.all.first { $0.name == name }?.text(settings) }
        #expect(text("heartbeat-interval") == "1.5")
        #expect(text("trusted-proxies") == "10.0.0.1, ::1")
        #expect(text("allowed-origins") == nil)
        #expect(text("workers") == nil)
    }

    @Test func `lists are separated by commas and spaces, durations are seconds`() throws {
        var settings = GatewaySettings()
        try #require(SettingRow.all.first { $0.name == "trusted-proxies" }).read("10.0.0.1, 10.1.0.0/16,,", &settings)
        try #require(SettingRow.all.first { $0.name == "heartbeat-interval" }).read("0.5", &settings)
        #expect(settings.trustedProxies == ["10.0.0.1", "10.1.0.0/16"])
        #expect(settings.heartbeatInterval == .milliseconds(500))
    }
}
