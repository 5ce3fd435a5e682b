import EventLoop
import Logging
import Testing
import WebSocketGateway

@testable import websocket_gateway

@Suite struct SettingsReaderTests {
    private func read(flags: [(name: String, value: String)] = [], file: String? = nil, environment: [String: String] = [:]) throws
        -> GatewaySettings
    {
        guard let file else { return try SettingsReader.read(flags: flags, file: nil, environment: environment) }
        let path = "/tmp/wsg-settings-\(ProcessResources.processID)-\(UInt64.random(in: 0 ... .max)).conf"
        try SmallFile.replace(path, with: Array(file.utf8))
        defer { SmallFile.remove(path) }
        return try SettingsReader.read(flags: flags, file: path, environment: environment)
    }

    @Test func `nothing said is the defaults`() throws {
        #expect(try read() == GatewaySettings())
    }

    @Test func `a flag wins over the environment, the environment over the file`() throws {
        let file = "workers = 1\nmax-connections = 10\nmax-sessions = 100"
        let environment = ["WSG_MAX_CONNECTIONS": "20", "WSG_MAX_SESSIONS": "200", "HOME": "/root"]
        let settings = try read(flags: [("max-sessions", "300")], file: file, environment: environment)
        #expect(settings.workers == 1)
        #expect(settings.connectionsMax == 20)
        #expect(settings.sessionsMax == 300)
    }

    @Test func `the file may be named by the environment`() throws {
        #expect(throws: SettingsError.self) { try read(environment: ["WSG_CONFIG": "/nonexistent/wsg.conf"]) }
    }

    @Test func `an unknown key stops the start and says what there is`() throws {
        let error = try #require(throws: SettingsError.self) { try read(file: "listen = 127.0.0.1:1\nmax-conections = 5") }
        #expect(error.setting == "config")
        #expect(error.reason.contains("line 2: there is no setting \"max-conections\""))
        #expect(error.reason.contains("max-connections"))
    }

    @Test func `an unknown WSG_ variable stops the start, any other variable does not`() throws {
        let error = try #require(throws: SettingsError.self) { try read(environment: ["WSG_MAX_CONECTIONS": "5", "MAX_CONNECTIONS": "x"]) }
        #expect(error.setting == "WSG_MAX_CONECTIONS")
        #expect(try read(environment: ["WSG_CONTROL_URL": "http://127.0.0.1:8081", "WSG_API_KEY": "k"]) == GatewaySettings())
    }

    @Test func `the level of the log stands where the others do, over a program's own default`() throws {
        var demo = GatewaySettings()
        demo.logLevel = .notice
        #expect(try SettingsReader.read(flags: [], file: nil, environment: [:], defaults: demo).logLevel == .notice)
        #expect(try SettingsReader.read(flags: [], file: nil, environment: ["WSG_LOG_LEVEL": "debug"], defaults: demo).logLevel == .debug)
        #expect(try read(flags: [("log-level", "error")], file: "log-level = trace").logLevel == .error)
        #expect(try read(file: "log-level = trace").logLevel == .trace)
        #expect(throws: SettingsError("log-level", "\"loud\" is not one of trace, debug, info, notice, warning, error, critical")) {
            try read(flags: [("log-level", "loud")])
        }
    }

    @Test(arguments: [
        ("workers", "two"), ("max-connections", "1e3"), ("max-connections", "10.5"),
        ("max-connections", "99999999999999999999"),
        ("allow-anonymous", "maybe"), ("idle-timeout", "soon"), ("idle-timeout", "-1"), ("idle-timeout", "nan"), ("idle-timeout", "inf"),
    ])
    func `a value that is none is refused, wherever it stands`(_ name: String, _ value: String) throws {
        let row = try #require(SettingRow.all.first { $0.name == name })
        #expect(try #require(throws: SettingsError.self) { try read(flags: [(name, value)]) }.setting == name)
        #expect(
            try #require(throws: SettingsError.self) { try read(environment: [row.environmentName: value]) }.setting == row.environmentName)
        let inFile = try #require(throws: SettingsError.self) { try read(file: "\n\(name) = \(value)") }
        #expect(inFile.reason.contains("line 2"))
    }

    @Test func `an empty variable is none, an empty flag is refused`() throws {
        #expect(try read(environment: ["WSG_WORKERS": ""]) == GatewaySettings())
        #expect(try #require(throws: SettingsError.self) { try read(flags: [("workers", "")]) }.setting == "workers")
    }

    @Test func `a file that is too large or no text is refused`() throws {
        #expect(throws: SettingsError.self) { try read(file: String(repeating: "#", count: 1_048_577)) }
    }

    @Test(arguments: [
        ("MAX-CONNECTIONS", "there is no setting \"MAX-CONNECTIONS\"; there is max-connections"),
        ("max_connections", "there is no setting \"max_connections\"; there is max-connections"),
        ("ready-file", "\"ready-file\" is no key of this file: it is only the flag --ready-file or WSG_READY_FILE"),
        ("config", "\"config\" is no key of this file: it is only the flag --config or WSG_CONFIG"),
        ("zzz", "there is no setting \"zzz\""),
    ])
    func `a key that is none says what was probably meant`(_ name: String, _ reason: String) throws {
        let error = try #require(throws: SettingsError.self) { try read(file: "\(name) = 5") }
        #expect(error.setting == "config" && error.reason.hasPrefix("/tmp/wsg-settings-"))
        #expect(error.reason.hasSuffix(".conf line 1: \(reason)"))
    }

    @Test func `a line that cannot be meant is refused with the file and the line`() throws {
        let error = try #require(throws: SettingsError.self) { try read(file: "\n\ndata = \"/tmp") }
        #expect(error.setting == "config" && error.reason.hasPrefix("/tmp/wsg-settings-"))
        #expect(error.reason.hasSuffix(".conf line 3: a double quote is opened and not closed"))
    }
}
