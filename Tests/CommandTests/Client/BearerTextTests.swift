import ArgumentParser
import Testing

@testable import websocket_gateway

@Suite struct BearerTextTests {
    private func find(_ flag: String?, _ variable: String? = nil) throws -> String? {
        try BearerText.find(flag: flag, "--token", variable: "WSG_TOKEN", variable.map { ["WSG_TOKEN": $0] } ?? [:])?.field
    }

    @Test func `the flag wins over the variable, and an empty variable is none`() throws {
        #expect(try find(nil) == nil)
        #expect(try find(nil, "") == nil)
        #expect(try find(nil, "abc") == "Authorization: Bearer abc\r\n")
        #expect(try find("def", "abc") == "Authorization: Bearer def\r\n")
    }

    @Test(arguments: ["", "a b", "a\r\nX: y", "é", "a\u{0}"]) func `what could not stand in a header is refused`(_ text: String) {
        #expect(throws: ValidationError.self) { try find(text) }
    }

    @Test(arguments: [
        ["api-key", "a b"], ["api-key", "engine", "--scopes", "write"], ["api-key", "engine", "--scopes", ""], ["api-key"],
    ])
    func `a key without a good name or scope is not made`(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try WebSocketGatewayCommand.parseAsRoot(arguments) }
    }

    @Test func `a key is made for the scopes that are asked for`() throws {
        #expect(throws: Never.self) { try WebSocketGatewayCommand.parseAsRoot(["api-key", "engine-1", "--scopes", "publish,manage,read"]) }
    }
}
