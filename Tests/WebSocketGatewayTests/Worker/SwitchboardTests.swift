import Sessions
import Testing

@testable import WebSocketGateway

@Suite("The switchboard")
struct SwitchboardTests {
    private func board(workers: Int) throws -> Switchboard {
        let manager = try WebSocketManager(TestGateway.settings(workers: workers))
        return try #require(Mirror(reflecting: manager).descendant("board") as? Switchboard)
    }

    @Test func `the gateway's phase moves forward only`() throws {
        let board = try board(workers: 1)
        #expect(board.phase == .starting)
        board.phase = .draining
        board.phase = .ready
        #expect(board.phase == .draining)
        board.phase = .stopped
        #expect(board.phase == .stopped)
    }

    @Test(arguments: [1, 2, 3, 8])
    func `a session has one home, and every worker is one`(workers: Int) throws {
        let board = try board(workers: workers)
        var homes: Set<Int> = []
        for i in 0..<500 {
            let session = try SessionID("s\(i)")
            let home = board.home(of: session)
            #expect((0..<workers).contains(home))
            #expect(board.home(of: try SessionID("s\(i)")) == home)
            homes.insert(home)
        }
        #expect(homes.count == workers)
    }
}
