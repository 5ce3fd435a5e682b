import ArgumentParser
import Testing

@testable import websocket_gateway

@Suite("The flags of tools that connect by TLS") struct TLSOptionsTests {
    private func reason(_ body: () throws -> some Any) -> String {
        do { _ = try body() } catch { return "\(error)" }
        return "none"
    }

    @Test(
        arguments: [
            (["s1", "--ca", "/dev/null"], "--ca is for wss:// and https://"),
            (["s1", "--connect", "wss://h", "--ca", "/nowhere/ca.pem"], "--ca: /nowhere/ca.pem cannot be read: no such file or directory"),
            (["s1", "--connect", "wss://h", "--ca", "/dev/null"], "/dev/null is empty"),
            (["s1", "--client-certificate", "/a"], "--client-certificate and --client-key go together"),
            (["s1", "--connect", "wss://h", "--client-key", "/a"], "--client-certificate and --client-key go together"),
            (["ws://h/ws/backtest/s1", "--connect", "h:1"], "--connect and --kind are in the URL already"),
            (["ws://h/ws/backtest"], "a session's URL is wss://HOST:PORT/ws/KIND/SESSION"),
            (["https://h/ws/backtest/s1"], "a session's URL takes ws:// and wss://, not https://"),
            (["ws://h/ws/sideways/s1"], "--kind is backtest or forward"), (["ws://h/ws/backtest/a%20b"], "is no session id"),
            (["s1", "--explain", "--control", "https://h"], "none"), (["wss://h:1/ws/forward/s1"], "none"),
        ])
    func `watch says what is wrong`(arguments: [String], reason text: String) {
        #expect(reason { try WatchCommand.parse(arguments) }.contains(text))
    }

    @Test(
        arguments: [
            (["http://h/v1/sessions/s1/events", "--control", "h:1"], "--control is in the URL already"),
            (["http://h/v1/sessions/s1"], "a session's URL is https://HOST:PORT/v1/sessions/SESSION/events"),
            (["wss://h/v1/sessions/s1/events"], "a session's URL takes http:// and https://, not wss://"),
            (["http://h/v1/sessions/s1/events", "--ca", "/dev/null"], "--ca is for wss:// and https://"),
            (["https://h:8081/v1/sessions/s1/events"], "none"),
        ])
    func `publish says what is wrong`(arguments: [String], reason text: String) {
        #expect(reason { try PublishCommand.parse(arguments) }.contains(text))
    }
}
