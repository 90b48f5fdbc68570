import Model
import Reconcilers
import Testing

@Suite("Status")
struct StatusReducerTests {
    static let app = ResourceKey(.app, "webapp")
    static let server = ResourceKey(.server, "server1")
    static let now = Timestamp(milliseconds: 5_000)

    private func status(
        _ facts: StatusFacts, of key: ResourceKey = app, previous: ResourceStatus? = nil, now: Timestamp = now
    ) -> ResourceStatus {
        StatusReducer.status(of: key, facts, previous: previous, now: now)
    }

    private func summary(_ status: ResourceStatus) -> [String] {
        status.conditions.filter(\.status).map { "\($0.type.rawValue)/\($0.reason)" }
    }

    @Test func `all ready`() {
        let result = status(StatusFacts(generation: 3, counts: [.ready: 3]))
        #expect(summary(result) == ["Ready/AllReady"])
        #expect(result.condition(.ready)?.message == "3 of 3 instances ready")
        #expect(result.observedGeneration == 3)
        #expect(result.conditions.map(\.type) == Condition.Kind.allCases)
    }

    @Test func `what stands in the way is named`() {
        let facts = StatusFacts(
            generation: 1, counts: [.ready: 2, .unhealthy: 1],
            examples: [.unhealthy: "webapp@server2: health:home unhealthy: status 500"])
        let result = status(facts)
        #expect(summary(result) == ["Degraded/InstancesUnhealthy"])
        #expect(
            result.condition(.ready)?.message
                == "2 of 3 instances ready; webapp@server2: health:home unhealthy: status 500")
        #expect(result.condition(.ready)?.reason == "InstancesUnhealthy")
    }

    @Test func `an App that selects no server is not ready and says so`() {
        let result = status(StatusFacts(generation: 1, counts: [:]))
        #expect(result.condition(.ready)?.status == false)
        #expect(result.condition(.ready)?.reason == "NoServers")
        #expect(result.condition(.ready)?.message == "it selects no server")
    }

    @Test func `a server without content is ready when its agent reports`() {
        #expect(status(StatusFacts(generation: 1, counts: [:]), of: Self.server).condition(.ready)?.status == true)
        let silent = status(StatusFacts(generation: 1, counts: [.ready: 1], stale: 1), of: Self.server)
        #expect(silent.condition(.ready)?.status == false)
        #expect(summary(silent) == ["Stale/NotReporting"])
    }

    @Test(
        arguments: [
            (InstancePhase.progressing, ["Progressing/JobsOpen"]), (.removing, ["Progressing/JobsOpen"]),
            (.waiting, ["Progressing/Waiting"]), (.unknown, ["Progressing/Observing"]),
            (.failed, ["Degraded/JobsFailed"]), (.suspended, ["Suspended/ServersSuspended"]),
        ])
    func `each phase has its condition`(_ phase: InstancePhase, _ expected: [String]) {
        #expect(summary(status(StatusFacts(generation: 1, counts: [.ready: 1, phase: 1]))) == expected)
    }

    @Test func `stale instances are not progress`() {
        let result = status(StatusFacts(generation: 1, counts: [.ready: 1, .unknown: 1], stale: 1))
        #expect(summary(result) == ["Stale/NotReporting"])
    }

    @Test func `drift is counted`() {
        let result = status(StatusFacts(generation: 1, counts: [.progressing: 1, .ready: 1], drifted: 1))
        #expect(result.condition(.drifted)?.status == true)
        #expect(result.condition(.drifted)?.message == "1 of 2 instances differ from what is desired")
    }

    @Test func `a suspension says why and until when`() {
        let suspension = Suspension(reason: "moving racks", until: Timestamp(milliseconds: 0))
        let result = status(StatusFacts(generation: 1, counts: [.suspended: 1], suspension: suspension))
        #expect(result.condition(.suspended)?.message == "moving racks until 1970-01-01T00:00:00.000Z")
    }

    @Test func `a stored manifest that cannot be used is said`() {
        let result = status(StatusFacts(generation: 1, counts: [.ready: 1], invalid: "spec.files: …"))
        #expect(result.condition(.ready)?.reason == "Invalid")
        #expect(result.condition(.degraded)?.message == "spec.files: …")
    }

    @Test func `since stays while the status stays`() {
        let first = status(StatusFacts(generation: 1, counts: [.progressing: 1]))
        let later = Timestamp(milliseconds: 9_000)
        let second = status(StatusFacts(generation: 2, counts: [.ready: 1]), previous: first, now: later)
        #expect(second.condition(.ready)?.since == later)
        #expect(second.condition(.progressing)?.since == later)
        #expect(second.condition(.stale)?.since == Self.now)
        let third = status(StatusFacts(generation: 3, counts: [.ready: 1]), previous: second, now: later + .seconds(1))
        #expect(third.conditions.map(\.since) == second.conditions.map(\.since))
    }

    @Test func `phases without instances are left out`() {
        #expect(status(StatusFacts(generation: 1, counts: [.ready: 1, .failed: 0])).counts == [.ready: 1])
    }
}
