import ScheduleSimulation
import TestSeeds
import Testing

@Suite("Ten years of schedules")
struct ScheduleSimulationTests {
    /// `scripts/bench schedules` does it a million times.
    @Test
    func
        `each time of each Schedule comes exactly once, none beside another that forbids it, whoever dies and whatever the clock does`()
        throws
    {
        for seed in Seeds.seeds(1) {
            let report = try ScheduleSimulation(seed: seed).run(fires: 20_000)
            #expect(report.isClean, "REDOPS_SEED=\(seed) \(report)")
            #expect(report.fires >= 20_000 && report.zones == 20, "REDOPS_SEED=\(seed) \(report)")
            // What is to be survived did happen.
            #expect(report.repeats > 100 && report.refused > 100, "REDOPS_SEED=\(seed) \(report)")
            #expect(report.inherited > 50, "REDOPS_SEED=\(seed) \(report)")
        }
    }
}
