import Testing
import WebSocket

@testable import WebSocketGateway

@Suite("The families of metrics")
struct MetricTests {
    @Test func `names are unique, of the gateway and of the kind`() {
        let rows = Metric.allCases.map(\.row)
        #expect(Set(rows.map(\.name)).count == rows.count)
        for row in rows {
            #expect(row.name.hasPrefix("wsg_"))
            #expect(row.name.allSatisfy { $0.isLowercase || $0 == "_" }, "\(row.name)")
            #expect(row.name.hasSuffix("_total") == (row.kind == .counter), "\(row.name)")
            #expect(row.name.hasSuffix("_seconds") == (row.kind == .histogram), "\(row.name)")
            #expect(row.help.hasSuffix(".") && !row.help.contains("\n") && !row.help.contains("\\"), "\(row.name)")
        }
    }

    @Test func `label values are unique, and there are some where there is a label`() {
        for row in Metric.allCases.map(\.row) {
            #expect((row.label == nil) == row.values.isEmpty, "\(row.name)")
            #expect(Set(row.values).count == row.values.count, "\(row.name)")
            #expect(row.values.allSatisfy { !$0.contains("\"") && !$0.contains("\\") && !$0.contains("\n") }, "\(row.name)")
        }
    }

    @Test func `each family has its cells, one behind the other`() {
        #expect(Metric.starts.count == Metric.allCases.count + 1)
        #expect(Metric.starts[0] == 0)
        for metric in Metric.allCases {
            #expect(Metric.starts[metric.rawValue + 1] - Metric.starts[metric.rawValue] == metric.cells)
            #expect(
                metric.cells == max(1, metric.row.values.count) * (metric.row.kind == .histogram ? Metric.bucketsNanoseconds.count + 2 : 1))
        }
    }

    @Test func `what indexes labels stays within them`() {
        let connections = Metric.connections.row.values
        #expect(connections[Metric.kindLabel(.backtest)] == "backtest")
        #expect(connections[Metric.kindLabel(.forward)] == "forward")
        #expect(connections[Metric.echoLabel] == "echo")
        let closes = Metric.closes.row.values
        #expect(closes[Metric.closeIndex(1000)] == "1000")
        #expect(closes[Metric.closeIndex(4408)] == "4408")
        #expect(closes[Metric.closeIndex(3999)] == "other")
        let errors = Metric.httpErrors.row.values
        #expect(errors[Metric.statusIndex(503)] == "503")
        #expect(errors[Metric.statusIndex(418)] == "other")
        #expect(Metric.eventsPublished.row.values.last == "other")
        let rates = Metric.rateLimited.row.values
        for rate in MessageMeter.Excess.allCases { #expect(rates[Metric.rateLabel(rate)] == rate.rawValue) }
        #expect(rates[Metric.connectionRateLabel] == "connections")
        let violations = Metric.protocolViolations.row.values
        for violation in ProtocolViolation.all { #expect(violations[Metric.violationIndex(violation)] == violation.name) }
        for reason in RefusalReason.allCases { #expect(Metric.connectionsRefused.row.values[reason.index] == reason.rawValue) }
        for outcome in TLSOutcome.all { #expect(Metric.tlsHandshakes.row.values[outcome.index] == outcome.name) }
        for outcome in HandshakeOutcome.allCases { #expect(Metric.handshakes.row.values[outcome.index] == outcome.rawValue) }
    }

    @Test func `the buckets ascend`() {
        let bounds = Metric.bucketsNanoseconds
        #expect(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 })
    }
}
