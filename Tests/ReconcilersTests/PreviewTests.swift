import Model
import Reconcilers
import Testing

@Suite("Previews")
struct PreviewTests {
    @Test func `a preview has the very steps of the controller`() {
        for seed in Seeds.seeds(1_000) {
            var generator = SeededGenerator(seed: seed)
            guard let input = generator.input(), let desired = input.desired else { continue }
            let preview = PlanPreview(desired: desired, observed: input.observed)
            let outcome = Reconciler.reconcile(input, now: Timestamp(milliseconds: 100_000))
            if let plan = outcome.wanted {
                #expect(preview.steps == plan.steps, "REDOPS_SEED=\(seed)")
                #expect(preview.revision == plan.revision)
            } else if outcome.phase == .ready {
                #expect(preview.change == .none, "REDOPS_SEED=\(seed)")
            }
        }
    }

    @Test func `what nobody looked at is apart from the steps`() throws {
        var generator = SeededGenerator(seed: 7)
        let resolved = generator.desired()
        let desired = try #require(resolved)
        let preview = PlanPreview(desired: desired, observed: nil)
        #expect(preview.change == .create)
        #expect(preview.steps.isEmpty)
        #expect(preview.unobserved.map(\.key) == desired.fields.map(\.key).filter { $0.kind != .health })
    }

    @Test func `a removal that was never reported has no steps`() {
        let id = InstanceID(app: "webapp", server: "server1")
        let preview = PlanPreview(removing: id, assignment: nil, observed: nil)
        #expect(preview.change == .remove)
        #expect(preview.steps.isEmpty)
    }

    @Test(arguments: [(1, 10), (2, 20), (3, 40), (8, 1280), (9, 2560), (10, 3600), (500, 3600)])
    func `each dead round doubles the wait, up to an hour`(_ round: Int, _ seconds: Int) {
        #expect(RoundBackoff.delay(afterRound: round) == .seconds(seconds))
    }
}
