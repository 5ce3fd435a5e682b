import Sessions

/// What a load run measured and whether it passed.
struct LoadReport {
    let plan: LoadPlan
    /// From the first SYN of a connection to its `connected`.
    var connecting = LatencyHistogram()
    /// From before a publish to the event's arrival.
    var latency = LatencyHistogram()
    var openSeconds = 0.0
    /// From the first publish to the last delivery.
    var seconds = 0.0
    var wallSeconds = 0.0
    var cpuSeconds = 0.0
    /// To readers.
    var delivered: UInt64 = 0
    /// All of them together.
    var size = DeliverySize()
    /// What the gateway used from before the first publish until every reader had everything, as its metrics say; nil where they did not.
    var gatewayCPUSeconds: Double?
    /// What the processes of the server used meanwhile; nil where none were named.
    var server: ServerUsage.Spent?
    /// How long the cores of this machine were busy meanwhile, all together: this tool, the server, the kernel and everybody else.
    var machineBusySeconds: Double?
    var receipts = PublishTotals()
    var lost: UInt64 = 0
    /// Left out by policy and announced.
    var conflated: UInt64 = 0
    var duplicated: UInt64 = 0
    var outOfOrder: UInt64 = 0
    var offences: UInt64 = 0
    var firstOffence: String?
    var refusals = 0
    var slowDropped = 0
    /// Why the run ended before its end.
    var failure: String?

    init(_ plan: LoadPlan) { self.plan = plan }

    var expected: UInt64 { UInt64(plan.deliveriesExpected) }

    var hasPassed: Bool {
        failure == nil && offences == 0 && lost == 0 && duplicated == 0 && outOfOrder == 0 && delivered + conflated == expected
            && refusals == 0
    }

    /// What one reader missed of the events that have receipts: holes, and the end that never came.
    mutating func add(_ ledger: DeliveryLedger, published: UInt64) {
        let distinct = ledger.received - ledger.duplicated + ledger.conflated
        conflated += ledger.conflated
        lost += max(ledger.missing, published > distinct ? published - distinct : 0)
        duplicated += ledger.duplicated
        outOfOrder += ledger.outOfOrder
    }

    /// What was used between two looks.
    mutating func add(_ before: LoadUsage, _ after: LoadUsage) {
        if let before = before.gateway, let after = after.gateway { gatewayCPUSeconds = after.cpuSeconds - before.cpuSeconds }
        if let before = before.server, let after = after.server { server = after.spent(since: before) }
        if let before = before.machine, let after = after.machine { machineBusySeconds = after.seconds(since: before) }
    }

    /// The gateway's counts are a promise too: without slow clients every delivery it counted is one that arrived, and no other.
    mutating func checkReceipts() {
        guard plan.dialect.hasReceipts, receipts.events == plan.events * plan.sessions else { return }
        let claimed = receipts.sent + receipts.queued + receipts.conflated
        let arrived = Int(delivered + conflated)
        let isWrong =
            plan.slowConnections == 0
            ? claimed != arrived || receipts.dropped > 0 || receipts.connections != claimed : claimed < arrived
        guard isWrong else { return }
        offences += 1
        let text =
            "the receipts claim \(receipts.sent) sent + \(receipts.queued) queued to \(receipts.connections) members, \(receipts.dropped) dropped; \(delivered) arrived (is somebody else connected to \(plan.session(0))?)"
        if firstOffence == nil { firstOffence = text }
    }

    var gatewayMicrosecondsPerDelivery: Double? { gatewayCPUSeconds.flatMap(microsecondsPerDelivery) }

    var serverMicrosecondsPerDelivery: Double? { (server?.seconds).flatMap(microsecondsPerDelivery) }

    private func microsecondsPerDelivery(_ seconds: Double) -> Double? { delivered > 0 ? seconds * 1e6 / Double(delivered) : nil }

    // MARK: For people

    var text: String {
        var lines = [
            "opened       \(Self.grouped(plan.allConnections)) connections to \(plan.sessions) session(s) in \(Self.rounded(openSeconds)) s (each p50 \(Self.milliseconds(connecting.value(at: 0.5))), p99 \(Self.milliseconds(connecting.value(at: 0.99))))",
            "published    \(Self.grouped(receipts.events)) events of \(Self.grouped(plan.event.dataBytes)) bytes (\(plan.event.payload)) in \(Self.rounded(seconds)) s: \(perSecond(Double(receipts.events)))/s",
            "delivered    \(Self.grouped(Int(delivered))) of \(Self.grouped(Int(expected))) expected: \(perSecond(Double(delivered)))/s",
            "on the wire  \(Self.grouped(size.wireBytes)) bytes for \(Self.grouped(size.messageBytes)) bytes of events: \(Self.rounded(size.ratio * 100)) %\(plan.deflate ? " (\(Self.grouped(size.compressed)) compressed)" : "")",
            "verified     lost \(lost)\(failure == nil ? "" : " (or still on their way)"), duplicated \(duplicated), out of order \(outOfOrder)\(conflated == 0 ? "" : ", left out by policy \(conflated)")",
            receiptsText,
            "latency      p50 \(Self.milliseconds(latency.value(at: 0.5)))  p90 \(Self.milliseconds(latency.value(at: 0.9)))  p99 \(Self.milliseconds(latency.value(at: 0.99)))  max \(Self.milliseconds(latency.max))",
        ]
        if plan.slowConnections > 0 { lines.append("slow         \(slowDropped) of \(plan.slowConnections) were dropped by the gateway") }
        lines.append(plan.serverPIDs.isEmpty && plan.dialect == .gateway ? gatewayText : serverText)
        if let machineBusySeconds { lines.append("the machine  was busy for \(Self.rounded(machineBusySeconds)) s, all cores together") }
        lines.append(
            "this tool    used \(Self.rounded(seconds > 0 ? cpuSeconds / seconds * 100 : 0)) % of one core; \(Self.rounded(wallSeconds)) s in all"
        )
        lines.append(
            hasPassed
                ? "PASS         every connection got every event\(plan.filteredConnections == 0 ? "" : " it wants") exactly once, in order\(conflated == 0 ? "" : ", or the word that policy left it out")"
                : "FAIL         \(verdict)")
        return lines.joined(separator: "\n")
    }

    private var gatewayText: String {
        guard let seconds = gatewayCPUSeconds, let each = gatewayMicrosecondsPerDelivery else {
            return "the gateway  did not tell its CPU time"
        }
        return "the gateway  used \(Self.rounded(seconds)) s of CPU: \(Self.rounded(each)) µs a delivery"
    }

    private var serverText: String {
        guard let server, let each = serverMicrosecondsPerDelivery else { return "the server   was not looked at" }
        return
            "the server   used \(Self.rounded(server.seconds)) s of CPU (\(Self.rounded(server.userSeconds)) user, \(Self.rounded(server.systemSeconds)) system): \(Self.rounded(each)) µs a delivery"
    }

    private var receiptsText: String {
        guard plan.dialect.hasReceipts else { return "receipts     count nothing in \(plan.dialect)'s protocol" }
        return
            "receipts     \(Self.grouped(receipts.sent)) sent + \(Self.grouped(receipts.queued)) queued, \(receipts.conflated) conflated, \(receipts.dropped) dropped"
    }

    private var verdict: String { firstOffence ?? failure ?? "\(expected - min(expected, delivered + conflated)) deliveries are missing" }

    private func perSecond(_ count: Double) -> String { seconds > 0 ? Self.grouped(Int(count / seconds)) : "-" }

    private static func milliseconds(_ nanoseconds: UInt64) -> String { "\(rounded(Double(nanoseconds) / 1e6)) ms" }

    /// Two decimals.
    private static func rounded(_ value: Double) -> String { EventSummary.number((value * 100).rounded() / 100) }

    private static func grouped(_ value: Int) -> String {
        var text = ""
        for (index, digit) in String(value).reversed().enumerated() {
            text = (index > 0 && index % 3 == 0 ? "\(digit)," : "\(digit)") + text
        }
        return text
    }

    // MARK: For programs

    var json: JSONObject {
        var json = measured
        if plan.tellsHistogram {
            json["latency_buckets"] = .array(
                latency.buckets.map { .array([.int(Int64($0.nanosecondsMax)), .int(Int64($0.count))]) })
        }
        return json
    }

    private var measured: JSONObject {
        [
            "passed": .bool(hasPassed), "dialect": .string(plan.dialect.rawValue),
            "connections": Self.int(plan.connections), "filtered": Self.int(plan.filteredConnections), "sessions": Self.int(plan.sessions),
            "events": Self.int(plan.events),
            "event_bytes": Self.int(plan.event.dataBytes), "payload": .string(plan.event.payload.rawValue), "deflate": .bool(plan.deflate),
            "publishers": Self.int(plan.publishers), "in_flight": Self.int(plan.inFlight), "rate": Self.optional(plan.rate),
            "open_s": .double(openSeconds), "connect_ms": Self.percentiles(connecting),
            "published": Self.int(receipts.events), "seconds": .double(seconds), "wall_s": .double(wallSeconds),
            "tool_cpu_s": .double(cpuSeconds),
            "gateway_cpu_s": Self.optional(gatewayCPUSeconds), "gateway_cpu_us_per_delivery": Self.optional(gatewayMicrosecondsPerDelivery),
            "server_cpu_s": Self.optional(server?.seconds), "server_user_s": Self.optional(server?.userSeconds),
            "server_system_s": Self.optional(server?.systemSeconds),
            "server_cpu_us_per_delivery": Self.optional(serverMicrosecondsPerDelivery),
            "machine_busy_s": Self.optional(machineBusySeconds),
            "wire_bytes": Self.int(size.wireBytes), "message_bytes": Self.int(size.messageBytes), "wire_ratio": .double(size.ratio),
            "compressed": Self.int(size.compressed),
            "expected": Self.int(Int(expected)), "delivered": Self.int(Int(delivered)),
            "published_per_s": .double(seconds > 0 ? Double(receipts.events) / seconds : 0),
            "deliveries_per_s": .double(seconds > 0 ? Double(delivered) / seconds : 0),
            "lost": Self.int(Int(lost)), "duplicated": Self.int(Int(duplicated)), "out_of_order": Self.int(Int(outOfOrder)),
            "conflated": Self.int(Int(conflated)),
            "receipts": plan.dialect.hasReceipts ? .object(counted) : .null,
            "latency_ms": Self.percentiles(latency), "refusals": Self.int(refusals),
            "slow": Self.int(plan.slowConnections), "slow_dropped": Self.int(slowDropped), "offences": Self.int(Int(offences)),
            "first_offence": firstOffence.map { .string($0) } ?? .null, "failure": failure.map { .string($0) } ?? .null,
        ]
    }

    private var counted: JSONObject {
        [
            "connections": Self.int(receipts.connections), "sent": Self.int(receipts.sent), "queued": Self.int(receipts.queued),
            "conflated": Self.int(receipts.conflated), "dropped": Self.int(receipts.dropped),
        ]
    }

    private static func int(_ value: Int) -> JSON { .int(Int64(value)) }

    private static func optional(_ value: Double?) -> JSON { value.map { .double($0) } ?? .null }

    private static func percentiles(_ histogram: LatencyHistogram) -> JSON {
        func milliseconds(_ nanoseconds: UInt64) -> JSON { .double(Double(nanoseconds / 1000) / 1000) }
        return .object([
            "p50": milliseconds(histogram.value(at: 0.5)), "p90": milliseconds(histogram.value(at: 0.9)),
            "p99": milliseconds(histogram.value(at: 0.99)), "max": milliseconds(histogram.max),
        ])
    }
}
