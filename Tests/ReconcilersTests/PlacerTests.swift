import Model
import Reconcilers
import TestSeeds
import Testing

@Suite("Placement")
struct PlacerTests {
    private func fleet(_ count: Int) -> [String: [String: String]] {
        Dictionary(
            uniqueKeysWithValues: (0..<count).map { ("server\($0)", ["role": $0.isMultiple(of: 2) ? "web" : "db"]) })
    }

    @Test func `named servers, if they are declared`() {
        #expect(
            Placer.place(app: "a", .servers(["server3", "nope", "server1"]), servers: fleet(4)) == [
                "server1", "server3",
            ])
    }

    @Test func `every server whose labels contain the selector's`() {
        #expect(
            Placer.place(app: "a", .selector(["role": "web"], count: nil), servers: fleet(5)) == [
                "server0", "server2", "server4",
            ])
        #expect(Placer.place(app: "a", .selector(["role": "none"], count: 2), servers: fleet(5)).isEmpty)
        #expect(Placer.place(app: "a", .selector([:], count: 9), servers: fleet(5)).count == 5)
        #expect(Placer.place(app: "a", .selector([:], count: 0), servers: fleet(5)).isEmpty)
    }

    @Test func `losing a server moves its own instance and no other`() {
        for seed in Seeds.seeds(500) {
            var generator = SeededGenerator(seed: seed)
            let servers = fleet(Int.random(in: 2...30, using: &generator))
            let count = Int.random(in: 1...servers.count, using: &generator)
            let before = Placer.place(app: "app\(seed)", .selector([:], count: count), servers: servers)
            let lost = generator.pick(servers.keys.sorted())
            let rest = servers.filter { $0.key != lost }
            let after = Placer.place(app: "app\(seed)", .selector([:], count: count), servers: rest)
            let change = PlacementChange(current: before, wanted: after)
            #expect(change.removed == (before.contains(lost) ? [lost] : []), "REDOPS_SEED=\(seed)")
            #expect(change.added.count == (before.contains(lost) && count <= rest.count ? 1 : 0), "REDOPS_SEED=\(seed)")
        }
    }

    @Test func `adding a server moves one instance at most, and only to it`() {
        for seed in Seeds.seeds(500) {
            var generator = SeededGenerator(seed: seed)
            var servers = fleet(Int.random(in: 1...30, using: &generator))
            let count = Int.random(in: 1...servers.count, using: &generator)
            let before = Placer.place(app: "app\(seed)", .selector([:], count: count), servers: servers)
            servers["new"] = [:]
            let after = Placer.place(app: "app\(seed)", .selector([:], count: count), servers: servers)
            let change = PlacementChange(current: before, wanted: after)
            #expect(change.added == [] || change.added == ["new"], "REDOPS_SEED=\(seed)")
            #expect(change.removed.count == change.added.count, "REDOPS_SEED=\(seed)")
        }
    }

    @Test func `another count keeps what it can`() {
        let servers = fleet(20)
        let three = Placer.place(app: "a", .selector([:], count: 3), servers: servers)
        let five = Placer.place(app: "a", .selector([:], count: 5), servers: servers)
        #expect(Set(three).isSubset(of: five))
    }

    @Test func `apps are spread evenly`() {
        let servers = fleet(10)
        var load: [String: Int] = [:]
        for app in 0..<2_000 {
            for server in Placer.place(app: "app\(app)", .selector([:], count: 3), servers: servers) {
                load[server, default: 0] += 1
            }
        }
        #expect(load.count == 10)
        #expect(load.values.allSatisfy { (500...700).contains($0) }, "\(load)")
    }

    @Test func `a score is the same in every version`() {
        #expect(Placer.score(app: "webapp", server: "server1") == 1_407_484_250_710_082_806)
    }

    @Test func `the brake is on beyond three and beyond a tenth`() {
        #expect(RemovalBrake.brake(removing: 3, of: 3) == nil)
        #expect(RemovalBrake.brake(removing: 4, of: 4).map { [$0.removing, $0.of] } == [4, 4])
        #expect(RemovalBrake.brake(removing: 10, of: 100) == nil)
        #expect(RemovalBrake.brake(removing: 11, of: 100) != nil)
    }

    @Test func `a placement change says what comes and what goes`() {
        let change = PlacementChange(current: ["a", "b"], wanted: ["b", "c"])
        #expect(change.added == ["c"])
        #expect(change.removed == ["a"])
        #expect(PlacementChange(current: ["a"], wanted: ["a"]).isEmpty)
    }
}
