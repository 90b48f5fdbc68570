import Model
import Output
import Store
import Testing

@Suite struct StatusTests {
    private static let now = Timestamp(milliseconds: 100_000)

    private func status(_ conditions: [(Condition.Kind, Bool, String)], generation: Int = 2) -> ResourceStatus {
        ResourceStatus(
            observedGeneration: generation,
            conditions: conditions.map {
                Condition(type: $0, status: $1, reason: "Because", message: $2, since: Timestamp(milliseconds: 88_000))
            }, counts: [.ready: 2, .progressing: 1])
    }

    @Test func `a status of an older generation says nothing about this one`() {
        #expect(StatusWord(status([(.ready, true, "")], generation: 1), generation: 2).text == "Pending")
        #expect(StatusWord(nil, generation: 1).text == "Pending")
        let target = WaitTarget(key: ResourceKey(.app, "webapp"), generation: 2)
        #expect(!target.isMet(by: status([(.ready, true, "")], generation: 1)))
        #expect(target.isMet(by: status([(.ready, true, "")])))
        #expect(target.isMet(by: status([(.ready, true, "")], generation: 3)))
    }

    @Test func `suspended and stale come before ready, ready before what is under way`() {
        #expect(StatusWord(status([(.ready, true, ""), (.stale, true, "silent")]), generation: 2).text == "Stale")
        #expect(StatusWord(status([(.ready, true, ""), (.progressing, true, "")]), generation: 2).text == "Ready")
        #expect(StatusWord(status([(.ready, false, ""), (.degraded, true, "x")]), generation: 2).text == "Degraded")
        #expect(StatusWord(status([(.ready, false, "why")]), generation: 2).message == "why")
    }

    @Test func `progress counts the instances by phase and says why`() {
        let target = WaitTarget(key: ResourceKey(.app, "webapp"), generation: 2)
        #expect(
            target.progress(status([(.ready, false, ""), (.progressing, true, "1 job is under way")]))
                == "2 Ready, 1 Progressing: 1 job is under way")
        #expect(target.progress(nil) == "waiting for a controller to see generation 2")
    }

    @Test func `what is suspended is not waited for where that is asked, and all else is`() {
        let key = ResourceKey(.app, "webapp")
        func isMet(_ counts: [InstancePhase: Int], leavesSuspended: Bool = true) -> Bool {
            var status = status([(.ready, false, "")])
            status.counts = counts
            return WaitTarget(key: key, generation: 2, leavesSuspended: leavesSuspended).isMet(by: status)
        }
        #expect(isMet([.ready: 2, .suspended: 1]))
        #expect(!isMet([.ready: 2, .suspended: 1], leavesSuspended: false))
        #expect(!isMet([.progressing: 1, .suspended: 1]) && !isMet([.unknown: 1, .suspended: 1]))
        #expect(!isMet([:]))
    }

    @Test func `an app's row shows ready of all, generations and since when`() {
        let resource = StoredResource(
            key: ResourceKey(.app, "webapp"), generation: 2, digest: "", manifest: "{}", config: [:], appliedBy: "ann",
            appliedAt: Self.now)
        let row = ResourceRow(resource: resource, status: status([(.ready, false, ""), (.progressing, true, "busy")]))
        #expect(
            ResourceListing.apps([row], now: Self.now).lines(.none) == [
                "NAME    READY  GENERATION  OBSERVED  STATUS       SINCE  MESSAGE",
                "webapp    2/3           2         2  Progressing    12s  busy",
            ])
    }

    @Test func `the nearest name is offered only if it is near`() {
        #expect(Nearest.name(to: "webap", among: ["webapp", "cache"]) == "webapp")
        #expect(Nearest.name(to: "wbeapp", among: ["webapp", "cache"]) == "webapp")
        #expect(Nearest.name(to: "database", among: ["webapp", "cache"]) == nil)
    }
}
