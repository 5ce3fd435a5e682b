import EventLoop
import Testing

@testable import WebSocketGateway

@Suite("The control listener's door")
struct ControlDoorTests {
    private let publisher: NewAPIKey
    private let reader: NewAPIKey
    private let keys: APIKeys

    init() throws {
        var random = SystemRandomNumberGenerator()
        publisher = try #require(NewAPIKey(name: "engine", scopes: [.publish], using: &random))
        reader = try #require(NewAPIKey(name: "reader", scopes: [.read], using: &random))
        keys = try APIKeys(parsing: Array("\(publisher.line)\n\(reader.line)".utf8))
    }

    private func admit(_ key: String?, _ scope: APIScope, at door: ControlDoor) throws(ControlDoor.Refusal) -> ControlDoor.Caller {
        do throws(ControlDoor.Denial) { return try door.admit(key.map { Array($0.utf8) }, scope) } catch { throw error.refusal }
    }

    @Test func `a key opens what its scopes say`() throws {
        let door = ControlDoor(keys)
        #expect(door.asksForKeys)
        _ = try admit(publisher.key, .publish, at: door)
        _ = try admit(reader.key, .read, at: door)
        #expect(throws: ControlDoor.Refusal.scope) { try admit(publisher.key, .read, at: door) }
        #expect(throws: ControlDoor.Refusal.scope) { try admit(reader.key, .manage, at: door) }
        #expect(throws: ControlDoor.Refusal.missing) { try admit(nil, .read, at: door) }
        for key in ["", "x", String(publisher.key.dropLast()), publisher.key + "x", publisher.line] {
            #expect(throws: ControlDoor.Refusal.unknown) { try admit(key, .publish, at: door) }
        }
        #expect(!ControlDoor(nil).asksForKeys)
    }

    @Test func `with other keys what was found before counts no more`() throws {
        let door = ControlDoor(keys)
        let caller = try admit(publisher.key, .publish, at: door)
        #expect(door.isCurrent(caller))
        door.replace(try APIKeys(parsing: Array(reader.line.utf8)))
        #expect(!door.isCurrent(caller))
        #expect(throws: ControlDoor.Refusal.unknown) { try admit(publisher.key, .publish, at: door) }
        _ = try admit(reader.key, .read, at: door)
    }

    @Test func `a key publishes at its rate, and one request may have more`() throws {
        let door = ControlDoor(keys)
        let rate = RateLimit(perSecond: 10, burst: 10)
        let caller = try admit(publisher.key, .publish, at: door)
        let other = try admit(reader.key, .read, at: door)
        #expect(door.publish(9, by: caller, now: 0, rate) == 0)
        #expect(door.publish(25, by: caller, now: 0, rate) == 0, "one was left")
        #expect(door.publish(1, by: caller, now: 0, rate) == 2500)
        #expect(door.publish(1, by: other, now: 0, rate) == 0)
        #expect(door.publish(1, by: caller, now: 2499, rate) > 0)
        #expect(door.publish(1, by: caller, now: 2500, rate) == 0)
        door.replace(try APIKeys(parsing: Array(publisher.line.utf8)))
        let again = try admit(publisher.key, .publish, at: door)
        #expect(door.publish(1, by: again, now: 2500, rate) > 0, "new keys are no new allowance")
        let higher = RateLimit(perSecond: 100, burst: 100)
        #expect(door.publish(100, by: again, now: 2500, higher) == 0, "a new rate begins with all of it")
        #expect(door.publish(1, by: again, now: 2500, higher) > 0)
        #expect(door.publish(1, by: again, now: 2500, nil) == 0)
    }

    @Test func `the same keys, read again, close nobody out`() throws {
        let door = ControlDoor(keys)
        let caller = try admit(publisher.key, .publish, at: door)
        door.replace(try APIKeys(parsing: Array("# again\n\(publisher.line)\n\n\(reader.line)\n".utf8)))
        #expect(door.isCurrent(caller))
    }

    /// A manager whose keys are in this file.
    private func manager(_ path: String) throws -> WebSocketManager {
        try WebSocketManager(TestGateway.settings(workers: 1) { $0.apiKeyFile = path })
    }

    @Test func `files are read again, all or nothing`() throws {
        let path = "/tmp/wsg-api-keys-\(ProcessResources.processID)-\(UInt64.random(in: 0...UInt64.max))"
        defer { SmallFile.remove(path) }
        try SmallFile.replace(path, with: Array(publisher.line.utf8))
        let manager = try manager(path)
        try SmallFile.replace(path, with: Array("\(reader.line)\nnonsense\n".utf8))
        #expect { _ = try manager.reload() } throws: { "\($0)".contains("line 2") }
        try SmallFile.replace(path, with: Array(reader.line.utf8))
        _ = try manager.reload()
    }

    @Test func `a key that is taken out opens nothing any more, on connections that are open as well`() async throws {
        let path = "/tmp/wsg-api-keys-\(ProcessResources.processID)-\(UInt64.random(in: 0...UInt64.max))"
        defer { SmallFile.remove(path) }
        try SmallFile.replace(path, with: Array(publisher.line.utf8))
        let fields = [("Authorization", "Bearer \(publisher.key)")]
        try await TestGateway.run({ $0.apiKeyFile = path }) { gateway in
            let engine = try await gateway.engine()
            let publish: @Sendable () -> UInt16? = {
                engine.call("POST", "/v1/sessions/s1/events", #"{"type":"candle","data":{}}"#, headers: fields)?.status
            }
            for _ in 0..<3 { #expect(await offPool(publish) == 200) }
            try SmallFile.replace(path, with: Array(reader.line.utf8))
            _ = try gateway.manager.reload()
            #expect(await offPool(publish) == 401)
        }
    }

    @Test func `a good key is named, also where it has not the scope, and no other is`() throws {
        let door = ControlDoor(keys)
        let caller = try admit(publisher.key, .publish, at: door)
        #expect(door.name(of: caller) == "engine")
        #expect(throws: ControlDoor.Denial(refusal: .scope, key: "reader")) { try door.admit(Array(reader.key.utf8), .publish) }
        #expect(throws: ControlDoor.Denial(refusal: .unknown)) { try door.admit(Array("reader".utf8), .publish) }
        door.replace(try APIKeys(parsing: Array(reader.line.utf8)))
        #expect(door.name(of: caller) == nil, "another key may stand in its place")
    }
}
