import Sessions
import Testing

@testable import websocket_gateway

@Suite struct LoadReportTests {
    private func report(
        delivered: UInt64 = 20, sent: Int = 15, queued: Int = 5, dropped: Int = 0, slow: Int = 0, _ dialect: LoadDialect = .gateway,
        serverPIDs: [Int32] = []
    ) -> LoadReport {
        var plan = LoadPlan()
        (plan.connections, plan.events, plan.slowConnections) = (2, 10, slow)
        (plan.dialect, plan.serverPIDs) = (dialect, serverPIDs)
        var report = LoadReport(plan)
        report.delivered = delivered
        report.receipts = PublishTotals(
            events: 10, requests: 10, connections: sent + queued + dropped, sent: sent, queued: queued, dropped: dropped)
        report.checkReceipts()
        return report
    }

    private func ledger(_ sequences: [UInt64]) -> DeliveryLedger {
        var ledger = DeliveryLedger(next: 1)
        for sequence in sequences { _ = ledger.receive(sequence) }
        return ledger
    }

    @Test func `everything delivered and counted passes`() {
        #expect(report().hasPassed)
        #expect(report().text.contains("PASS"))
        #expect(report().json["passed"] == true)
    }

    @Test(arguments: [(0, 20), (1, 15), (2, 10)]) func `who wants every other event is expected to get those`(filtered: Int, expected: Int)
    {
        var plan = LoadPlan()
        (plan.connections, plan.events, plan.filteredConnections) = (2, 10, filtered)
        #expect(LoadReport(plan).expected == UInt64(expected))
        (plan.events, plan.filteredConnections) = (1, 1)
        #expect(LoadReport(plan).expected == 2)
    }

    @Test func `receipts that claim other than what arrived fail`() {
        #expect(!report(sent: 14).hasPassed)
        #expect(!report(sent: 16).hasPassed)
        #expect(!report(dropped: 1).hasPassed)
        #expect(report(sent: 14).text.contains("the receipts claim 14 sent"))
    }

    @Test func `slow clients may be dropped and counted`() {
        #expect(report(sent: 18, queued: 7, dropped: 3, slow: 1).hasPassed)
        #expect(!report(sent: 10, queued: 7, slow: 1).hasPassed)
    }

    @Test func `what one reader lacks fails the run`() {
        for (sequences, lost, duplicated, outOfOrder) in [
            ([1, 2, 3], 0, 0, 0), ([1, 2], 1, 0, 0), ([1, 3], 1, 0, 0), ([1, 3, 2], 0, 0, 1), ([1, 2, 2, 3], 0, 1, 0), ([], 3, 0, 0),
        ] as [([UInt64], UInt64, UInt64, UInt64)] {
            var report = report()
            report.add(ledger(sequences), published: 3)
            #expect((report.lost, report.duplicated, report.outOfOrder) == (lost, duplicated, outOfOrder))
            #expect(report.hasPassed == (lost + duplicated + outOfOrder == 0))
        }
    }

    @Test func `what policy left out and announced is no loss, and is told`() {
        var report = report(delivered: 17, sent: 15, queued: 5)
        #expect(!report.hasPassed)
        report = self.report(delivered: 20)
        report.delivered = 17
        var ledger = DeliveryLedger(next: 1)
        let isInPlace = ledger.leaveOut(1, 3)
        #expect(isInPlace)
        _ = ledger.receive(4)
        report.add(ledger, published: 4)
        #expect(report.hasPassed && report.lost == 0 && report.conflated == 3)
        #expect(report.text.contains("left out by policy 3") && report.json["conflated"] == 3)
    }

    @Test func `bytes on the wire are told beside the bytes they carried, and the gateway's time for each delivery`() throws {
        var report = report()
        report.size += DeliverySize(wireBytes: 304, messageBytes: 1000, isCompressed: true)
        report.size += DeliverySize(wireBytes: 1004, messageBytes: 1000, isCompressed: false)
        report.gatewayCPUSeconds = 0.00005
        #expect(report.size.ratio == 0.654)
        #expect(report.text.contains("on the wire  1,308 bytes for 2,000 bytes of events: 65.4 %\n"))
        #expect(report.text.contains("the gateway  used 0 s of CPU: 2.5 µs a delivery\n"))
        let json = report.json
        #expect((json["wire_bytes"], json["message_bytes"], json["compressed"]) == (1308, 2000, 1))
        #expect((json["wire_ratio"], json["gateway_cpu_us_per_delivery"]) == (0.654, 2.5))
    }

    @Test func `a gateway that did not tell its CPU time is no reason to fail, and none to make one up`() {
        #expect(report().gatewayMicrosecondsPerDelivery == nil)
        #expect(report().text.contains("the gateway  did not tell its CPU time\n"))
        #expect(report().json["gateway_cpu_s"] == .null)
        var nothingDelivered = report(delivered: 0)
        nothingDelivered.gatewayCPUSeconds = 1
        #expect(nothingDelivered.gatewayMicrosecondsPerDelivery == nil)
        #expect(nothingDelivered.size.ratio == 0)
    }

    private func usage(gateway: Double? = nil, nanoseconds: UInt64? = nil, busyTicks: UInt64? = nil) throws -> LoadUsage {
        var usage = LoadUsage()
        usage.gateway = gateway.flatMap { GatewayUsage(metrics: Array("process_cpu_seconds_total \($0)".utf8)) }
        usage.server = nanoseconds.map { nanoseconds in
            ServerUsage(processes: [7: ProcessUsage(threads: ["7": nanoseconds], ticks: .init(user: nanoseconds / 10_000_000, system: 0))])
        }
        usage.machine = busyTicks.flatMap { MachineUsage(stat: Array("cpu \($0) 0 0 0 0 0 0 0".utf8)) }
        return usage
    }

    @Test func `a server's processes are told instead of the gateway's metrics, and the machine in any case`() throws {
        var report = report(serverPIDs: [7])
        report.add(try usage(nanoseconds: 50_000_000, busyTicks: 100), try usage(nanoseconds: 130_000_000, busyTicks: 125))
        #expect(report.text.contains("the server   used 0.08 s of CPU (0.08 user, 0 system): 4000 µs a delivery\n"))
        #expect(report.text.contains("the machine  was busy for 0.25 s, all cores together\n"))
        let json = report.json
        #expect((json["server_cpu_s"], json["server_user_s"], json["server_system_s"]) == (0.08, 0.08, 0.0))
        #expect((json["server_cpu_us_per_delivery"], json["machine_busy_s"], json["gateway_cpu_s"]) == (4000.0, 0.25, .null))
    }

    @Test func `what was not looked at both times is null, not nothing`() throws {
        var report = report()
        report.add(try usage(gateway: 1, nanoseconds: 1), try usage(gateway: 1.5, busyTicks: 1))
        let json = report.json
        #expect(json["gateway_cpu_s"] == 0.5)
        for name in ["server_cpu_s", "server_user_s", "server_system_s", "server_cpu_us_per_delivery", "machine_busy_s"] {
            #expect(json[name] == .null, "\(name)")
        }
        #expect(!report.text.contains("the machine"))
    }

    @Test(arguments: [LoadDialect.nchan, .nats])
    func `receipts that count nothing are neither checked nor told`(_ dialect: LoadDialect) {
        let report = report(sent: 0, queued: 0, dialect)
        #expect(report.hasPassed)
        #expect(report.json["receipts"] == .null)
        #expect(report.json["dialect"] == .string(dialect.rawValue))
        #expect(report.text.contains("receipts     count nothing in \(dialect)'s protocol\n"))
        #expect(!self.report(delivered: 19, sent: 0, queued: 0, dialect).hasPassed)
    }

    @Test func `latencies are told one by one where that is asked for`() {
        var plan = LoadPlan()
        #expect(LoadReport(plan).json["latency_buckets"] == nil)
        plan.tellsHistogram = true
        #expect(LoadReport(plan).json["latency_buckets"] == [])
        var report = LoadReport(plan)
        for value in [3, 3, 1000] as [UInt64] { report.latency.record(value) }
        #expect(report.json["latency_buckets"] == [[3, 2], [1003, 1]])
    }

    @Test func `a run that was cut short fails and says why`() {
        var report = LoadReport(LoadPlan())
        report.failure = "the time is over"
        #expect(report.text.contains("FAIL         the time is over"))
        #expect(report.json["failure"] == "the time is over")
    }
}
