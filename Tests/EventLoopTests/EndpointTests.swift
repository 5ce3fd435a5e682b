import Testing

@testable import EventLoop

@Suite("Endpoints")
struct EndpointTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let text: String
        let isLocal: Bool
        let host: String
        var testDescription: String { text }
    }

    @Test(arguments: [
        Row(text: "127.0.0.1:8081", isLocal: true, host: "127.0.0.1:8081"),
        Row(text: "[::1]:8081", isLocal: true, host: "[::1]:8081"),
        Row(text: "10.0.0.1:8081", isLocal: false, host: "10.0.0.1:8081"),
        Row(text: "0.0.0.0:0", isLocal: false, host: "0.0.0.0:0"),
        Row(text: "unix:/run/gateway.sock", isLocal: true, host: "localhost"),
    ])
    func `an endpoint is an address or a path`(row: Row) throws {
        let endpoint = try #require(try Endpoint(parsing: row.text))
        #expect(endpoint.description == row.text)
        #expect(endpoint.isLocal == row.isLocal)
        #expect(endpoint.host == row.host)
    }

    @Test func `what is no address is nil, and what is no path says why`() throws {
        #expect(try Endpoint(parsing: "somewhere:80") == nil)
        #expect(try Endpoint(parsing: "UNIX:/run/gateway.sock") == nil)
        #expect(throws: UnixPath.Fault.notAbsolute("gateway.sock")) { try Endpoint(parsing: "unix:gateway.sock") }
        #expect(throws: UnixPath.Fault.tooLong(200)) { try Endpoint(parsing: "unix:/" + String(repeating: "p", count: 199)) }
    }
}
