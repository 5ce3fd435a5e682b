import Logging
import Testing

@testable import websocket_gateway

@Suite struct LogLevelTests {
    @Test func `every level is kept`() {
        let level = LogLevel(.info)
        for value in Logger.Level.allCases {
            level.value = value
            #expect(level.value == value)
        }
    }

    @Test func `loggers made before follow it, but for those that have their own`() {
        let level = LogLevel(.error)
        var own = Logger(label: "own") { JSONLogHandler(label: $0, level: level) }
        own.logLevel = .critical
        let shared = Logger(label: "shared") { JSONLogHandler(label: $0, level: level) }
        #expect(shared.logLevel == .error)
        level.value = .debug
        #expect(shared.logLevel == .debug)
        #expect(own.logLevel == .critical)
    }
}
