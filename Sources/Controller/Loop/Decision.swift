// One look at one instance, as a value: from what the fleet and the store know to what is to be written and remembered.

package import Model
package import Reconcilers
package import Store

package struct Decision: Sendable {
    package let work: Work
    package let snapshot: InstanceSnapshot
    package let outcome: ReconcileOutcome
    private let isDesired: Bool

    /// `budget`: whether the instance has leave to become unavailable.
    package init(_ work: Work, _ snapshot: InstanceSnapshot, now: Timestamp, budget: Bool) {
        self.work = work
        self.snapshot = snapshot
        var input = Self.input(work, snapshot)
        input.gates.budgetAvailable = budget
        switch Self.resolution(work) {
        case .resolved(let desired):
            input.desired = desired
            outcome = Reconciler.reconcile(input, now: now)
            isDesired = true
        case .waiting(let why):
            outcome = Reconciler.unresolved(input, why: why)
            isDesired = true
        case nil:
            input.removal = Self.authority(work, snapshot)
            outcome = Reconciler.reconcile(input, now: now)
            isDesired = false
        }
    }

    private static func resolution(_ work: Work) -> Resolution? {
        switch work.source {
        case .app(let app, let facts): app.resolve(on: facts)
        case .server(let server, let root): server.resolve(root: root)
        case .nothing: nil
        }
    }

    private static func authority(_ work: Work, _ snapshot: InstanceSnapshot) -> RemovalAuthority? {
        guard case .nothing(let resource, let server) = work.source else { return nil }
        return RemovalAuthority(resource: resource, server: server, known: snapshot.knownGeneration)
    }

    private static func input(_ work: Work, _ snapshot: InstanceSnapshot) -> ReconcileInput {
        let control = snapshot.control ?? InstanceControl()
        return ReconcileInput(
            id: work.id, desired: nil, removal: nil, assignment: control.assignment, observed: snapshot.observed,
            openJob: control.openJob, round: control.round.round, roundEndedAt: control.round.endedAt,
            roundError: control.round.error, roundGeneration: control.round.generation, drift: control.drift,
            metDigest: control.metDigest, gates: work.gates, wasRemoving: control.phase == .removing)
    }

    /// Whether the only thing that keeps a job back is leave to become unavailable.
    package var waitsForBudget: Bool { outcome.hold == .budget }

    /// Nothing is kept of it and nothing is there.
    private var isGone: Bool { !isDesired && snapshot.control == nil && snapshot.observed == nil }

    // What is to be written

    /// nil: what is stored says it all already.
    package func commit(epoch: Int64, now: Timestamp) -> InstanceCommit? {
        guard !isGone, hasNews else { return nil }
        var commit = InstanceCommit(
            id: work.id, expectedRevision: snapshot.observed?.revision ?? 0,
            expectedOpenJob: snapshot.control?.openJob, phase: outcome.phase, message: outcome.message,
            metDigest: outcome.metDigest)
        switch outcome.assignment {
        case .keep: commit.assignment = .keep
        case .set(let assignment): commit.assignment = .set(assignment)
        case .remove: commit.assignment = .remove
        }
        if let plan = outcome.emit, let id = outcome.jobID {
            commit.job = Job(id: id, kind: .apply, epoch: epoch, plan: plan)
        }
        commit.cancelUnstarted = outcome.cancelUnstarted
        commit.driftOpened = outcome.driftOpened
        commit.driftRepaired = outcome.driftRepaired
        commit.events = InstanceEvents(self, at: now).all
        return commit
    }

    private var hasNews: Bool {
        guard let control = snapshot.control else { return isDesired || snapshot.observed != nil }
        if case .keep = outcome.assignment {} else { return true }
        return outcome.emit != nil || outcome.cancelUnstarted || !outcome.driftOpened.isEmpty
            || !outcome.driftRepaired.isEmpty || control.phase != outcome.phase || control.message != outcome.message
            || control.metDigest != outcome.metDigest
    }

    // What is to be remembered

    package var finding: Finding {
        var finding = Finding()
        finding.phase = outcome.phase
        finding.message = outcome.message
        finding.revision = Int64(snapshot.observed?.revision ?? -1)
        finding.generation = work.generation
        finding.isAssigned = isAssigned
        finding.isAvailable = outcome.available
        finding.hasMet = !outcome.metDigest.isEmpty
        finding.hasOpenJob = snapshot.control?.openJob != nil || outcome.emit != nil
        finding.isDrifting = outcome.wanted != nil
        finding.isStale = work.gates.serverStale
        finding.isGone = isGone || outcome.assignment == .remove
        return finding
    }

    private var isAssigned: Bool {
        switch outcome.assignment {
        case .keep: snapshot.control?.assignment != nil
        case .set: true
        case .remove: false
        }
    }
}
