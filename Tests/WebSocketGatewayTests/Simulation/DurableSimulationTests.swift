import Sessions
import Testing

@testable import WebSocketGateway

@Suite("Simulated restarts")
struct DurableSimulationTests {
    /// The gateway ends cleanly or in the middle of everything, disks fill up and fail, and what was acknowledged is there.
    @Test(arguments: [Durability.commit, .relaxed]) func `over restarts, no id names two events and nothing acknowledged is missing`(
        durability: Durability
    ) throws {
        var (judged, resumes, restarts, refusals, repeats) = (0, 0, 0, 0, 0)
        for seed in 0..<12 as Range<UInt64> {
            let simulation = try DurableSimulation(seed: 1000 &+ seed, workers: 1 + Int(seed % 3), durability: durability)
            defer { simulation.stop() }
            do {
                try simulation.run(steps: 800)
            } catch {
                Issue.record("seed \(seed) under \(durability): \(error)")
                return
            }
            judged += simulation.eventsJudged
            resumes += simulation.resumes
            restarts += simulation.restarts
            refusals += simulation.refusals
            repeats += simulation.broadcastRepeats
        }
        #expect(judged > 3000 && resumes > 20 && restarts > 40, "\(judged) judged, \(resumes) resumed, \(restarts) restarts")
        #expect(repeats > 100, "\(repeats) broadcasts repeated")
        #expect(durability == .relaxed || refusals > 10, "\(refusals) publishes refused")
    }
}
