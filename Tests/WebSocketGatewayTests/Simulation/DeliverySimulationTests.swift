import Testing

@testable import WebSocketGateway

@Suite("Simulated delivery")
struct DeliverySimulationTests {
    /// Clients come, read a little, fall behind, leave, come back, replay what was; sessions end and begin anew.
    @Test(arguments: [1, 2, 3]) func `whatever happens, every id between two that a client sees was delivered or announced`(
        workers: Int
    ) throws {
        var (judged, lost, resumes, conflated, heartbeats, seeks) = (0, 0, 0, 0, 0, 0)
        var (shed, closed) = (UInt64(0), UInt64(0))
        for seed in 0..<12 as Range<UInt64> {
            let simulation = try DeliverySimulation(seed: seed &* 3 &+ UInt64(workers), workers: workers)
            defer { simulation.stop() }
            do {
                try simulation.run(steps: 600)
            } catch {
                Issue.record("seed \(seed) of \(workers) workers: \(error)")
                return
            }
            judged += simulation.eventsJudged
            lost += simulation.eventsLost
            resumes += simulation.resumes
            conflated += simulation.eventsConflated
            heartbeats += simulation.heartbeats
            seeks += simulation.seeks
            shed += simulation.queuesShed
            closed += simulation.closedForMemory
        }
        let text =
            "\(judged) judged, \(lost) lost, \(resumes) resumed, \(conflated) left out by policy, \(heartbeats) heartbeats, \(seeks) seeks, \(shed) queues shed, \(closed) closed for memory"
        #expect(judged > 10_000 && lost > 100 && resumes > 20 && conflated > 300 && heartbeats > 40 && seeks > 10, "\(text)")
        #expect(shed > 10 && closed > 0, "\(text)")
    }
}
