import Model
import Reconcilers
import TestSeeds
import Testing

@Suite("Previews")
struct PreviewTests {
    private static let now = Timestamp(milliseconds: 100_000)

    /// What the input is once the controller has written this outcome, and the agent has answered it with what it saw
    /// before.
    private func following(_ input: ReconcileInput, _ outcome: ReconcileOutcome) -> ReconcileInput {
        var next = input
        if outcome.cancelUnstarted { next.openJob = nil }
        guard input.desired != nil else { return next }
        if case .set(let assignment) = outcome.assignment { next.assignment = assignment }
        next.wasRemoving = false
        next.metDigest = outcome.metDigest
        next.observed?.generation = next.assignment?.generation ?? 0
        next.observed?.digest = next.assignment?.digest ?? ""
        return next
    }

    @Test func `a preview is what the controller then does: the same steps, or the same hold`() {
        var held: Set<String> = []
        for seed in Seeds.seeds(4_000) {
            var generator = SeededGenerator(seed: seed)
            guard var input = generator.input() else { continue }
            // A standing job is the same before and after; what is previewed is what follows it.
            if input.assignment?.digest == input.desired?.digest { input.openJob = nil }
            if generator.chance(10) { input.observed?.generation = 5 }
            let preview = PlanPreview(input, now: Self.now)
            let first = Reconciler.reconcile(input, now: Self.now)
            let then = Reconciler.reconcile(following(input, first), now: Self.now)
            let comment: Comment = "REDOPS_SEED=\(seed)"
            // One that went back is not assigned anew, whatever else holds it: no answer follows.
            var free = input
            (free.gates.serverStale, free.gates.suspension) = (false, nil)
            if case .generationWentBack? = Reconciler.reconcile(free, now: Self.now).hold {
                #expect(preview.hold == first.hold, comment)
                continue
            }
            guard input.desired == nil || input.observed != nil else { continue }
            #expect(preview.hold == then.hold, comment)
            #expect(preview.steps == then.wanted?.steps ?? [], comment)
            let isDone = preview.hold == nil && !preview.steps.isEmpty
            if input.desired != nil { #expect((then.emit?.steps ?? []) == (isDone ? preview.steps : []), comment) }
            if preview.isSettled { #expect(then.wanted == nil && then.phase != .failed, comment) }
            if then.phase == .ready { #expect(preview.isSettled && preview.change == .none, comment) }
            preview.held.map { _ = held.insert(String($0.prefix(7))) }
        }
        #expect(held.count >= 5, "the seeds must reach most holds: \(held)")
    }

    @Test func `a dead server's instance is never settled`() throws {
        for seed in Seeds.seeds(500) {
            var generator = SeededGenerator(seed: seed)
            guard var input = generator.input() else { continue }
            input.gates.serverStale = true
            let preview = PlanPreview(input, now: Self.now)
            let isOrphan = input.desired == nil && input.removal == nil
            let isGone = input.desired == nil && input.observed == nil
            #expect(isOrphan || isGone || preview.isStale, "REDOPS_SEED=\(seed)")
            #expect(!preview.isSettled, "REDOPS_SEED=\(seed)")
        }
    }

    private func input(_ id: InstanceID, _ desired: DesiredInstance?) -> ReconcileInput {
        ReconcileInput(
            id: id, desired: desired, removal: desired == nil ? .deleted(by: "anna") : nil, assignment: nil,
            observed: nil, openJob: nil, round: 0, roundEndedAt: nil, roundError: nil, roundGeneration: 0, drift: [:],
            metDigest: "", gates: Gates())
    }

    @Test func `what nobody looked at is apart from the steps`() throws {
        var generator = SeededGenerator(seed: 7)
        let resolved = generator.desired()
        let desired = try #require(resolved)
        let preview = PlanPreview(input(desired.id, desired), now: Self.now)
        #expect(preview.change == .create)
        #expect(preview.steps.isEmpty)
        #expect(preview.unobserved.map(\.key) == desired.fields.map(\.key).filter { $0.kind != .health })
    }

    @Test func `a removal that was never reported has no steps`() {
        let id = InstanceID(app: "webapp", server: "server1")
        let preview = PlanPreview(input(id, nil), now: Self.now)
        #expect(preview.change == .remove)
        #expect(preview.steps.isEmpty)
    }

    @Test(arguments: [(1, 10), (2, 20), (3, 40), (8, 1280), (9, 2560), (10, 3600), (500, 3600)])
    func `each dead round doubles the wait, up to an hour`(_ round: Int, _ seconds: Int) {
        #expect(RoundBackoff.delay(afterRound: round) == .seconds(seconds))
    }
}
