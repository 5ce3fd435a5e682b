import Testing

@testable import websocket_gateway

@Suite struct GatewayRefusalTests {
    @Test func `code, message and place are those of the answer`() {
        let body = #"{"error":{"code":"INVALID_EVENT","message":"no \u001b[31mtype","details":{"place":"line 4: type"}}}"#
        let refusal = GatewayRefusal(status: 400, body: Array(body.utf8))
        #expect(refusal.text == "400 INVALID_EVENT: no \\u001b[31mtype")
        #expect(refusal.place == "line 4: type")
        #expect(!refusal.isTransient)
    }

    @Test(arguments: ["", "<html>", "[]", "{}", #"{"error":"no"}"#])
    func `an answer that is not the gateway's is named as such`(_ body: String) {
        let refusal = GatewayRefusal(status: 502, body: Array(body.utf8))
        #expect(refusal.text.hasPrefix("502, without a reason"))
        #expect(refusal.flagToRaise(connections: 1, perSession: 1) == nil)
    }
}
