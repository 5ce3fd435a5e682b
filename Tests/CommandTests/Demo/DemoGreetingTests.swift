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

    @Test func `listeners with TLS are named by their URLs, and whom to trust is told`() {
        var greeting = DemoGreeting(
            listen: "0.0.0.0:8443", control: "127.0.0.1:8081", isSealed: true, seed: 1, executable: "gateway", folder: nil)
        #expect(greeting.text.contains("  browsers connect to   wss://127.0.0.1:8443/ws/backtest/demo-backtest\n"))
        #expect(greeting.text.contains("  gateway watch demo-backtest --connect wss://127.0.0.1:8443\n"))
        #expect(greeting.text.contains("  engines publish to    http://127.0.0.1:8081/v1"))
        #expect(greeting.text.contains("--ca FILE"))
        greeting.isControlSealed = true
        #expect(greeting.text.contains("  curl -s https://127.0.0.1:8081/metrics"))
        (greeting.isSealed, greeting.isControlSealed) = (false, false)
        #expect(!greeting.text.contains("--ca FILE"))
    }

    @Test func `a control listener on a Unix-domain socket is reached by curl's own flag`() {
        let greeting = DemoGreeting(listen: "127.0.0.1:8080", control: "unix:/run/my gateway.sock", seed: 1, executable: "wsg", folder: nil)
        #expect(greeting.text.contains("http://localhost/v1/sessions/{session_id}/events, over the socket /run/my gateway.sock\n"))
        #expect(greeting.text.contains("  curl -s --unix-socket '/run/my gateway.sock' http://localhost/metrics | grep"))
    }
}
