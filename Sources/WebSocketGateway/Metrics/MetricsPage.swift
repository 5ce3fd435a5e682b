internal import EventLoop
internal import Synchronization

/// The text a scrape gets: Prometheus exposition format 0.0.4. Reads the workers' counters without asking a worker anything.
struct MetricsPage {
    static let contentType: StaticString = "text/plain; version=0.0.4; charset=utf-8"

    /// The workers'.
    let counters: [Counters]
    let storeCounters: Counters
    /// Nil where no key set is fetched.
    var keySetCounters: Counters?
    let startedAtSeconds: Double
    let descriptorLimit: Int
    let connectionsMax: Int
    /// Seconds since 1970; 0 without TLS.
    var certificateExpiry: Int64 = 0
    var tokenKeys = 0
    /// 0 where no key set is fetched.
    var keySetAgeSeconds = 0.0

    func text(now: UInt64 = Clocks.monotonicNanoseconds) -> String {
        var text = ""
        text.reserveCapacity(32_768)
        for metric in Metric.allCases { append(metric, to: &text) }
        appendGauge(
            "wsg_connections_limit", "Client connections allowed at once, after the descriptor limit had its say.", "\(connectionsMax)",
            to: &text)
        header(
            "wsg_loop_turn_age_seconds", "Time since each worker last finished a turn; an idle loop turns at least once a second.", "gauge",
            to: &text)
        for (worker, counters) in counters.enumerated() {
            let last = counters.lastTurn.load(ordering: .relaxed)
            text += "wsg_loop_turn_age_seconds{worker=\"\(worker)\"} \(Self.seconds(now > last ? now - last : 0))\n"
        }
        appendGauge("wsg_build_info", "The version that runs; always 1.", labels: "{version=\"\(BuildInfo.version)\"}", "1", to: &text)
        appendGauge(
            "wsg_tls_certificate_expiry_seconds", "When the first certificate of the chain ends, in seconds since 1970; 0 without TLS.",
            "\(certificateExpiry)", to: &text)
        appendGauge("wsg_token_keys", "Keys that tokens are checked with now.", "\(tokenKeys)", to: &text)
        appendGauge(
            "wsg_key_set_age_seconds",
            "Time since the last good fetch of the key set at a URL; before there is one, since the start; 0 without such a URL.",
            "\(keySetAgeSeconds)", to: &text)
        appendProcess(to: &text)
        return text
    }

    private func append(_ metric: Metric, to text: inout String) {
        let row = metric.row
        header(row.name, row.help, row.kind.rawValue, to: &text)
        switch row.kind {
        case .counter, .gauge:
            if let label = row.label {
                for (i, value) in row.values.enumerated() {
                    text += "\(row.name){\(label)=\"\(value)\"} \(sum(metric, label: i))\n"
                }
            } else {
                text += "\(row.name) \(sum(metric))\n"
            }
        case .histogram:
            if let label = row.label {
                for (i, value) in row.values.enumerated() { appendHistogram(metric, row.name, i, "\(label)=\"\(value)\"", to: &text) }
            } else {
                appendHistogram(metric, row.name, 0, nil, to: &text)
            }
        }
    }

    private func appendHistogram(_ metric: Metric, _ name: String, _ index: Int, _ label: String?, to text: inout String) {
        let first = index * Metric.histogramCells
        let (before, whole) = (label.map { "\($0)," } ?? "", label.map { "{\($0)}" } ?? "")
        var cumulative: Int64 = 0
        for (i, bound) in Metric.bucketsNanoseconds.enumerated() {
            cumulative += sum(metric, label: first + i)
            text += "\(name)_bucket{\(before)le=\"\(Self.seconds(bound))\"} \(cumulative)\n"
        }
        cumulative += sum(metric, label: first + Metric.bucketsNanoseconds.count)
        text += "\(name)_bucket{\(before)le=\"+Inf\"} \(cumulative)\n"
        let nanoseconds = UInt64(bitPattern: sum(metric, label: first + Metric.bucketsNanoseconds.count + 1))
        text += "\(name)_sum\(whole) \(Self.seconds(nanoseconds))\n"
        text += "\(name)_count\(whole) \(cumulative)\n"
    }

    /// A gauge's cells wrap below zero where a connection opened on one worker's books; the sum over workers does not.
    private func sum(_ metric: Metric, label: Int = 0) -> Int64 {
        let others = storeCounters.value(metric, label: label) &+ (keySetCounters?.value(metric, label: label) ?? 0)
        return Int64(bitPattern: counters.reduce(others) { $0 &+ $1.value(metric, label: label) })
    }

    private func appendProcess(to text: inout String) {
        header("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", "counter", to: &text)
        text += "process_cpu_seconds_total \(ProcessResources.cpuSeconds)\n"
        appendGauge("process_resident_memory_bytes", "Resident memory size in bytes.", "\(ProcessResources.residentBytes)", to: &text)
        appendGauge("process_open_fds", "Number of open file descriptors.", "\(ProcessResources.openDescriptors)", to: &text)
        appendGauge("process_max_fds", "Maximum number of open file descriptors.", "\(descriptorLimit)", to: &text)
        appendGauge(
            "process_start_time_seconds", "Start time of the process since unix epoch in seconds.", "\(startedAtSeconds)", to: &text)
    }

    private func appendGauge(_ name: String, _ help: String, labels: String = "", _ value: String, to text: inout String) {
        header(name, help, "gauge", to: &text)
        text += "\(name)\(labels) \(value)\n"
    }

    private func header(_ name: String, _ help: String, _ kind: String, to text: inout String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
    }

    private static func seconds(_ nanoseconds: UInt64) -> String { "\(Double(nanoseconds) / 1e9)" }
}

/// What this build calls itself.
public enum BuildInfo {
    public static let version = "0.1.0"
}
