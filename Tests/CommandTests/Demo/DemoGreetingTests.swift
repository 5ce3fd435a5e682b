import Testing

@testable import websocket_gateway

@Suite struct DemoGreetingTests {
    @Test(
        arguments: [
            (".build/release/websocket-gateway", ".build/release/websocket-gateway"),
            ("/work/.build/websocket-gateway", ".build/websocket-gateway"),
            ("/elsewhere/websocket-gateway", "/elsewhere/websocket-gateway"), ("/work/my tools/gateway", "'my tools/gateway'"),
        ])
    func `the executable is named as it can be typed here`(_ started: String, _ typed: String) {
        let greeting = DemoGreeting(listen: "0.0.0.0:8080", control: "127.0.0.1:8081", seed: 1, executable: started, folder: "/work")
        #expect(greeting.text.contains("  \(typed) watch demo-backtest --connect 127.0.0.1:8080\n"))
    }
}
