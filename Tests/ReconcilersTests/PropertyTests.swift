import Model
import Reconcilers
import TestSeeds
import Testing

@Suite("Properties")
struct PropertyTests {
    static let now = Timestamp(milliseconds: 100_000)
    static let seeds: UInt64 = 2_000

    /// Runs a check over random inputs.
    private func forAll(_ check: (ReconcileInput, ReconcileOutcome, Comment, inout SeededGenerator) -> Void) {
        for seed in Seeds.seeds(Self.seeds) {
            var generator = SeededGenerator(seed: seed)
            guard let input = generator.input() else { continue }
            check(input, Reconciler.reconcile(input, now: Self.now), "REDOPS_SEED=\(seed)", &generator)
        }
    }

    @Test func `planning is deterministic, whatever order dictionaries are in`() {
        forAll { input, outcome, comment, generator in
            var again = input
            again.observed?.fields = Dictionary(
                uniqueKeysWithValues: (input.observed?.fields ?? [:]).shuffled(using: &generator).map {
                    ($0.key, $0.value)
                })
            if input.observed == nil { again.observed = nil }
            #expect(Reconciler.reconcile(again, now: Self.now) == outcome, comment)
        }
    }

    @Test func `resolving is deterministic`() {
        for seed in Seeds.seeds(Self.seeds) {
            var (one, other) = (SeededGenerator(seed: seed), SeededGenerator(seed: seed))
            #expect(one.desired() == other.desired(), "REDOPS_SEED=\(seed)")
        }
    }

    @Test func `applying a plan and planning again gives nothing`() {
        forAll { input, outcome, comment, _ in
            guard let plan = outcome.wanted, let desired = input.desired, var observed = input.observed else { return }
            ModelMachine.apply(plan.steps, of: desired, to: &observed.fields)
            observed.revision += 1
            var next = input
            next.observed = observed
            let after = Reconciler.reconcile(next, now: Self.now)
            #expect(after.wanted == nil, comment)
            let isKnown = FieldComparison(desired: desired, observed: observed.fields).isConverged
            #expect(!isKnown || after.metDigest == desired.digest || input.gates.serverStale, comment)
        }
    }

    @Test func `a removal applied leaves nothing to remove`() {
        forAll { input, outcome, comment, _ in
            guard input.desired == nil, let plan = outcome.wanted, var observed = input.observed else { return }
            ModelMachine.apply(plan.steps, of: nil, to: &observed.fields)
            var next = input
            next.observed = observed
            #expect(
                Reconciler.reconcile(next, now: Self.now).wanted?.steps.allSatisfy { $0.from == nil } == true, comment)
            next.observed = nil
            next.openJob = nil
            #expect(Reconciler.reconcile(next, now: Self.now).assignment == .remove, comment)
        }
    }

    @Test func `steps go by kind, and a folder comes before what is in it`() {
        forAll { input, outcome, comment, _ in
            guard let plan = outcome.wanted, let desired = input.desired else { return }
            let keys = Set(desired.fields.map(\.key))
            let steps = plan.steps.map(\.field).filter(keys.contains)
            #expect(steps == steps.sorted(), comment)
            #expect(isParentFirst(steps), comment)
        }
    }

    @Test func `removal goes the other way round`() {
        forAll { input, outcome, comment, _ in
            guard let plan = outcome.wanted, input.desired == nil else { return }
            let steps = plan.steps.map(\.field)
            #expect(steps == steps.sorted(by: >), comment)
            #expect(isParentFirst(steps.reversed()), comment)
        }
    }

    private func isParentFirst(_ keys: [FieldKey]) -> Bool {
        for (index, key) in keys.enumerated() {
            let children = keys[..<index].filter { $0.kind == .directory && $0.name.hasPrefix(key.name + "/") }
            if key.kind == .directory, !children.isEmpty { return false }
        }
        return true
    }

    @Test func `a suspended, stale or orphaned instance is never touched`() {
        forAll { input, outcome, comment, _ in
            let isSuspended = input.gates.suspension?.isInForce(at: Self.now) == true
            let isOrphan = input.desired == nil && input.removal == nil
            guard isSuspended || isOrphan || input.gates.serverStale else { return }
            #expect(outcome.emit == nil, comment)
            if isOrphan { #expect(outcome.assignment == .keep, comment) }
        }
    }

    @Test func `of two suspensions neither is switched off by the other's end`() {
        forAll { input, _, comment, generator in
            var input = input
            let (app, server) = (generator.suspension(), generator.suspension())
            input.gates.suspension = Suspension.last(app, server)
            for time in [Timestamp(milliseconds: 0), Self.now, Timestamp(milliseconds: 300_000)] {
                guard [app, server].contains(where: { $0?.isInForce(at: time) == true }) else { continue }
                #expect(Reconciler.reconcile(input, now: time).emit == nil, comment)
            }
        }
    }

    @Test func `steps name only what is desired or was reported of this instance`() {
        forAll { input, outcome, comment, _ in
            let known = Set((input.desired ?? input.assignment)?.fields.map(\.key) ?? [])
                .union((input.observed?.fields ?? [:]).keys)
            #expect(outcome.wanted?.steps.allSatisfy { known.contains($0.field) } ?? true, comment)
        }
    }

    @Test func `while a job is open nothing is emitted`() {
        forAll { input, outcome, comment, _ in
            if input.openJob != nil { #expect(outcome.emit == nil && outcome.jobID == nil, comment) }
        }
    }

    @Test func `nothing is planned before the agent answers the assignment that stands`() {
        forAll { input, outcome, comment, _ in
            guard let desired = input.desired else { return }
            let answers = input.assignment?.digest == desired.digest && input.observed?.digest == desired.digest
            if !answers { #expect(outcome.wanted == nil && outcome.phase != .ready, comment) }
        }
    }

    @Test func `what was not observed gets no step`() {
        forAll { input, outcome, comment, _ in
            guard input.desired != nil, let plan = outcome.wanted else { return }
            let fields = input.observed?.fields ?? [:]
            #expect(plan.steps.allSatisfy { fields[$0.field].map { !FieldValue.isError($0) } ?? false }, comment)
        }
    }

    @Test func `the same observation never has two job ids`() {
        var ids: [String: Plan] = [:]
        forAll { input, outcome, comment, generator in
            guard let plan = outcome.emit, let id = outcome.jobID else { return }
            var other = input
            other.gates = generator.gates()
            let later = Reconciler.reconcile(other, now: Self.now + .seconds(3))
            if let again = later.jobID { #expect(again == id, comment) }
            #expect(ids.updateValue(plan, forKey: id).map { $0 == plan || $0.digest == plan.digest } ?? true, comment)
        }
    }

    @Test func `another revision, generation, digest or round is another job`() {
        let id = InstanceID(app: "webapp", server: "server1")
        let plan = Plan(instance: id, generation: 1, digest: "d", revision: 1, round: 0, steps: [])
        var others = Array(repeating: plan, count: 5)
        others[0].revision = 2
        others[1].generation = 2
        others[2].digest = "e"
        others[3].round = 1
        others[4].instance = InstanceID(app: nil, server: "server1")
        #expect(Set((others + [plan]).map(JobID.make)).count == 6)
        #expect(JobID.make(plan).utf8.count == 20)
    }

    @Test func `ready means that every field is met`() {
        forAll { input, outcome, comment, _ in
            guard outcome.phase == .ready, let desired = input.desired else { return }
            let fields = input.observed?.fields ?? [:]
            #expect(
                desired.fields.allSatisfy { field in fields[field.key].map(field.expectation.isMet) ?? false }, comment)
        }
    }

    @Test func `the report never calls in sync what is not known to be`() {
        forAll { input, _, comment, _ in
            for row in DriftReporter.rows(input, now: Self.now) where row.state == .inSync {
                let field = input.desired?.fields.first { $0.key == row.field }
                #expect(row.observed.map { field?.expectation.isMet(by: $0) == true } == true, comment)
                #expect(!input.gates.serverStale, comment)
            }
        }
    }
}
