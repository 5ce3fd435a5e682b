import Testing

@testable import websocket_gateway

@Suite struct GatewayUsageTests {
    private func usage(_ text: String) -> Double? { GatewayUsage(metrics: Array(text.utf8))?.cpuSeconds }

    @Test func `the CPU time is read from the line that is named so`() {
        let page = """
            # HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.
            # TYPE process_cpu_seconds_total counter
            process_cpu_seconds_total 12.345678
            process_cpu_seconds_total_other 1

            """
        #expect(usage(page) == 12.345678)
        #expect(usage("process_cpu_seconds_total 1e-05") == 1e-05)
    }

    @Test(arguments: [
        "", "process_cpu_seconds_total", "process_cpu_seconds_total NaN", "process_cpu_seconds_total -1", "process_cpu_seconds_total x",
    ])
    func `a page that does not tell it has none`(_ page: String) {
        #expect(usage(page) == nil)
    }
}
