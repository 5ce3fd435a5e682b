import Testing

@testable import websocket_gateway

@Suite struct LoadDialectTests {
    @Test(arguments: [(LoadDialect.gateway, false, true, true), (.nchan, true, false, true), (.nats, true, false, false)])
    func `what each dialect leaves to the tool, tells, and allows`(
        _ dialect: LoadDialect, publishesWholeEvents: Bool, hasReceipts: Bool, allowsDeflate: Bool
    ) {
        #expect(dialect.publishesWholeEvents == publishesWholeEvents)
        #expect(dialect.hasReceipts == hasReceipts)
        #expect(dialect.allowsDeflate == allowsDeflate)
    }

    @Test func `they are called as the flag calls them`() {
        #expect(LoadDialect.allCases.map(\.rawValue) == ["gateway", "nchan", "nats"])
    }
}
