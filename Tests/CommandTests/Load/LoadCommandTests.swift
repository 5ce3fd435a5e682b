import ArgumentParser
import EventLoop
import Testing

@testable import websocket_gateway

@Suite struct LoadCommandTests {
    @Test func `the defaults are 500 connections, 10,000 events of 256 bytes`() throws {
        let plan = try LoadCommand.parse([]).plan()
        #expect((plan.connections, plan.sessions, plan.events, plan.inFlight) == (500, 1, 10_000, 1))
        #expect((plan.event.payload, plan.event.dataBytes) == (.padding, 256))
        #expect(!plan.deflate)
        #expect(plan.duration == .seconds(120))
        #expect(plan.rate == nil)
        #expect((plan.dialect, plan.publishers, plan.tellsHistogram) == (.gateway, 1, false))
        #expect(plan.serverPIDs.isEmpty)
    }

    @Test func `candles are 4096 bytes unless told otherwise, and compression is asked for by a flag`() throws {
        let plan = try LoadCommand.parse(["--payload", "candles", "--deflate"]).plan()
        #expect((plan.event.payload, plan.event.dataBytes) == (.candles, 4096))
        #expect(plan.deflate)
        let small = try LoadCommand.parse(["--payload", "candles", "--event-bytes", "640"]).plan()
        #expect(small.event.dataBytes == 640)
    }

    @Test func `what is kept for comparison stays within 64 MiB`() throws {
        for (bytes, messages) in [(96, 1024), (65_536, 1024), (65_537, 1023), (524_000, 128)] {
            #expect(try LoadCommand.parse(["--event-bytes", "\(bytes)"]).plan().messagesKept == messages)
        }
    }

    @Test func `only this machine is loaded unless it is asked for`() throws {
        #expect(throws: (any Error).self) { try LoadCommand.parse(["--connect", "10.0.0.1:8080"]) }
        #expect(throws: (any Error).self) { try LoadCommand.parse(["--control", "10.0.0.1:8081"]) }
        _ = try LoadCommand.parse(["--connect", "10.0.0.1:8080", "--allow-remote"])
        _ = try LoadCommand.parse(["--connect", "[::1]:8080", "--control", "localhost:1"])
    }

    @Test(arguments: [
        ["--connections", "0"], ["--sessions", "501"], ["--events", "0"], ["--event-bytes", "95"], ["--event-bytes", "524001"],
        ["--payload", "candles", "--event-bytes", "639"], ["--payload", "candles", "--event-bytes", "524001"], ["--payload", "x"],
        ["--in-flight", "513"], ["--rate", "0"], ["--rate", "nan"], ["--wait", "-1"], ["--wait", "nan"], ["--wait", "86401"],
        ["--dialect", "mqtt"], ["--dialect", "nats", "--deflate"], ["--server-pid", "x"], ["--server-pid", "1073741824"],
        ["--histogram"], ["--publishers", "0"], ["--publishers", "2"], ["--sessions", "4", "--publishers", "5"],
        ["--duration", "0"], ["--duration", "inf"], ["--kind", "x"], ["--session-prefix", "a/b"], ["--slow", "-1"],
    ])
    func `a value out of its range is a usage error`(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try LoadCommand.parse(arguments) }
    }

    @Test(arguments: [("1", 1), ("16", 16), ("17", 16), ("500", 16)])
    func `sessions have a publisher each, up to 16`(_ sessions: String, publishers: Int) throws {
        #expect(try LoadCommand.parse(["--sessions", sessions]).plan().publishers == publishers)
        #expect(try LoadCommand.parse(["--sessions", sessions, "--publishers", sessions]).plan().publishers == Int(sessions))
    }

    @Test func `another dialect, compressed where that is a message's own affair`() throws {
        #expect(try LoadCommand.parse(["--dialect", "nats"]).plan().dialect == .nats)
        let plan = try LoadCommand.parse(["--dialect", "nchan", "--deflate", "--json", "--histogram"]).plan()
        #expect(plan.dialect == .nchan && plan.deflate && plan.tellsHistogram)
    }

    #if os(Linux)
    @Test func `processes are measured that are there, and one that is not is named`() throws {
        let own = "\(ProcessResources.processID)"
        let plan = try LoadCommand.parse(["--server-pid", own, "--server-pid", own]).plan()
        #expect(plan.serverPIDs == [ProcessResources.processID, ProcessResources.processID])
        let error = #expect(throws: (any Error).self) { try LoadCommand.parse(["--server-pid", own, "--server-pid", "1073741824"]) }
        #expect(LoadCommand.message(for: error!) == "--server-pid: there is no process 1073741824")
    }
    #endif

    @Test func `connections and slow ones are spread evenly`() throws {
        let plan = try LoadCommand.parse(["--connections", "10", "--sessions", "3", "--slow", "2"]).plan()
        #expect((0..<12).map(plan.sessionIndex) == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 1])
        #expect(plan.connectionsPerSession == 5)
        #expect(plan.session(0) == "load-1")
        #expect(plan.descriptorsNeeded == 48)
    }
}
