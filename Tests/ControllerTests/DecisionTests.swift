// What one look at one instance decides, where the store does not hold what it held before.

import Controller
import Model
import Reconcilers
import Store
import Testing

@Suite struct DecisionTests {
    private static let id = InstanceID(app: "webapp", server: "server1")
    private static let now = Timestamp(milliseconds: 1_800_000_000_000)

    private func decision(tombstone: Tombstone?, observedGeneration: Int) throws -> Decision {
        var fleet = Fleet()
        let slot = fleet.ensureSlot(Self.id)
        fleet.update([.absent(ResourceKey(.app, "webapp"), tombstone)])
        let begun = fleet.begin(slot)
        let work = try #require(begun)
        let observed = ObservedInstance(
            id: Self.id, revision: 7, generation: observedGeneration, digest: "00", reportedAt: Self.now,
            fields: [FieldKey(.file, "/etc/motd"): "sha256:00 0644 root:root"])
        let assignment = Assignment(id: Self.id, generation: observedGeneration, digest: "00", fields: [])
        let snapshot = InstanceSnapshot(
            id: Self.id, control: InstanceControl(assignment: assignment, phase: .ready, metDigest: "00"),
            observed: observed)
        return Decision(work, snapshot, now: Self.now, budget: true)
    }

    private func tombstone(generation: Int) -> Tombstone {
        Tombstone(key: ResourceKey(.app, "webapp"), generation: generation, deletedBy: "ops", deletedAt: Self.now)
    }

    @Test func `what a person deleted is removed`() throws {
        let decision = try decision(tombstone: tombstone(generation: 2), observedGeneration: 2)
        #expect(decision.outcome.emit?.isRemoval == true)
    }

    @Test func `absence without a tombstone removes nothing`() throws {
        let decision = try decision(tombstone: nil, observedGeneration: 2)
        #expect(decision.outcome.emit == nil)
        #expect(decision.outcome.hold == .orphaned)
    }

    // F22: an older copy of the store is restored (argo-cd#9227, #18780).
    @Test func `a tombstone of an older copy of the store removes nothing that came after it`() throws {
        let decision = try decision(tombstone: tombstone(generation: 1), observedGeneration: 2)
        #expect(decision.outcome.emit == nil)
        #expect(decision.outcome.hold == .orphaned)
    }

    @Test func `a suspension of an App that is over leaves its Server's in force`() throws {
        var fleet = Fleet()
        let spec = AppSpec(
            placement: .servers(["server1"]), suspend: Suspension(reason: "release", until: Timestamp(milliseconds: 1)))
        fleet.update([
            .server(
                CompiledServer(
                    name: "server1", labels: [:],
                    spec: ServerSpec(address: "127.0.0.1", suspend: Suspension(reason: "moving racks")), generation: 1,
                    blobs: [:]), StoredMark(digest: "s", confirmed: nil)),
            .app(
                CompiledApp(name: "webapp", labels: [:], spec: spec, generation: 1, blobs: [:]),
                StoredMark(digest: "a", confirmed: nil)),
        ])
        let slot = try #require(fleet.slot(Self.id))
        let begun = fleet.begin(slot)
        let work = try #require(begun)
        let decision = Decision(
            work, InstanceSnapshot(id: Self.id, control: nil, observed: nil), now: Self.now, budget: true)
        #expect(decision.outcome.hold == .suspended(reason: "moving racks"))
    }
}
