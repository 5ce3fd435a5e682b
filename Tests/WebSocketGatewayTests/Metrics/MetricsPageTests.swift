import EventLoop
import Synchronization
import Testing

@testable import WebSocketGateway

@Suite("The metrics page (Prometheus text format 0.0.4)")
struct MetricsPageTests {
    private func page(_ counters: [Counters]) -> MetricsPage {
        MetricsPage(
            counters: counters, storeCounters: Counters(), startedAtSeconds: 1_700_000_000.5, descriptorLimit: 4096, connectionsMax: 321)
    }

    @Test func `counters of all workers are summed`() {
        let (one, other) = (Counters(), Counters())
        one.add(.sessions, 3)
        other.add(.sessions, 4)
        one.add(.connections, label: 0, 5)
        other.subtract(.connections, label: 0, 2)
        one.add(.publishRequests, label: 1)
        let text = page([one, other]).text()
        #expect(
            text.contains(
                """
                # HELP wsg_connections Client connections open now: WebSockets and event streams.
                # TYPE wsg_connections gauge
                wsg_connections{kind="backtest"} 3
                wsg_connections{kind="forward"} 0
                wsg_connections{kind="echo"} 0

                """))
        #expect(text.contains("# TYPE wsg_sessions gauge\nwsg_sessions 7\n"))
        #expect(text.contains("wsg_publish_requests_total{outcome=\"published\"} 0\nwsg_publish_requests_total{outcome=\"refused\"} 1\n"))
    }

    @Test func `a histogram is cumulative, in seconds`() {
        let counters = Counters()
        counters.observe(.loopTurn, nanoseconds: 10_000)
        counters.observe(.loopTurn, nanoseconds: 20_000, times: 2)
        counters.observe(.loopTurn, nanoseconds: 20_000_000_000)
        let text = page([counters]).text()
        #expect(
            text.contains(
                "# TYPE wsg_loop_turn_seconds histogram\nwsg_loop_turn_seconds_bucket{le=\"1e-05\"} 1\nwsg_loop_turn_seconds_bucket{le=\"2.5e-05\"} 3\n"
            ))
        #expect(
            text.contains(
                "wsg_loop_turn_seconds_bucket{le=\"10.0\"} 3\nwsg_loop_turn_seconds_bucket{le=\"+Inf\"} 4\nwsg_loop_turn_seconds_sum 20.00005\nwsg_loop_turn_seconds_count 4\n"
            ))
    }

    @Test func `each worker's turn has its age`() {
        let (one, other) = (Counters(), Counters())
        one.lastTurn.store(1_000_000_000, ordering: .relaxed)
        other.lastTurn.store(9_000_000_000, ordering: .relaxed)
        let text = page([one, other]).text(now: 3_000_000_000)
        #expect(text.contains("wsg_loop_turn_age_seconds{worker=\"0\"} 2.0\nwsg_loop_turn_age_seconds{worker=\"1\"} 0.0\n"))
    }

    @Test func `the gateway and its process are described`() {
        let text = page([Counters()]).text()
        #expect(text.contains("wsg_connections_limit 321\n"))
        #expect(text.contains("process_max_fds 4096\n"))
        #expect(text.contains("wsg_build_info{version=\"\(BuildInfo.version)\"} 1\n"))
        #expect(text.contains("process_start_time_seconds 1700000000.5\n"))
    }

    /// One sample line: a name, labels in braces if any, and a number.
    private struct Sample {
        let name: String
        let labels: String
        let value: Double

        init?(_ line: Substring) {
            guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else { return nil }
            let series = line[..<space]
            let name = series.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            let labels = series[name.endIndex...]
            guard !name.isEmpty, labels.isEmpty || labels.wholeMatch(of: /\{[a-z_]+="[A-Za-z0-9_.+\-]*"(,le="[0-9.e+\-Inf]*")?\}/) != nil
            else { return nil }
            (self.name, self.labels, self.value) = (String(name), String(labels), value)
        }
    }

    @Test func `every family of ours has its line in OPERATING`() throws {
        let path = #filePath.replacing("Tests/WebSocketGatewayTests/Metrics/MetricsPageTests.swift", with: "docs/OPERATING.md")
        let text = String(decoding: try SmallFile.read(path, bytesMax: 1_048_576), as: UTF8.self)
        for line in page([Counters()]).text().split(separator: "\n") where line.hasPrefix("# TYPE wsg_") {
            #expect(text.contains("`\(line.split(separator: " ")[2])`"), "\(line)")
        }
    }

    @Test func `every line parses, every family is described once before its samples, every series is there once`() throws {
        let text = page([Counters(), Counters()]).text()
        #expect(text.hasSuffix("\n"))
        var families: [String: String] = [:]
        var family = ""
        var series: Set<String> = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let words = line.split(separator: " ", maxSplits: 3)
            switch words.prefix(2) {
            case ["#", "HELP"]:
                family = String(words[2])
                #expect(families[family] == nil, "\(family) is described twice")
                families[family] = ""
                #expect(words.count == 4)
            case ["#", "TYPE"]:
                #expect(String(words[2]) == family)
                families[family] = String(words[3])
                #expect(["counter", "gauge", "histogram"].contains(words[3]))
            default:
                let sample = try #require(Sample(line), "\(line)")
                let base = families[family] == "histogram" ? ["\(family)_bucket", "\(family)_sum", "\(family)_count"] : [family]
                #expect(base.contains(sample.name), "\(line)")
                #expect(series.insert(sample.name + sample.labels).inserted, "\(line)")
                #expect(sample.value.isFinite && sample.value >= 0)
            }
        }
        // All series are there from the start.
        for metric in Metric.allCases {
            let row = metric.row
            let name = row.kind == .histogram ? "\(row.name)_count" : row.name
            if let label = row.label {
                for value in row.values { #expect(series.contains("\(name){\(label)=\"\(value)\"}")) }
            } else {
                #expect(series.contains(name))
            }
        }
    }
}
