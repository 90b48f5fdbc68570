// F1, F2, F3: what happens to the leader, done to real processes on a real Redis.

import Glibc
import TestRedis
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct LeaderFaultTests {
    /// The lease's time to live (`ControllerConfiguration`), of which F1 wants twice.
    static let lease: Duration = .seconds(3)

    @Test func `F1: a leader that was stopped for twice its lease writes nothing after its successor's seal`()
        async throws
    {
        try await TestFleet.with(controllers: 2) { fleet in
            try await bringUp(fleet)
            let old = try #require(try await fleet.leader())
            let stopped = ContinuousClock.now
            for round in 0..<20 {
                try fleet.write(fleet.root("server1") + "/srv/site/index.html", "defaced \(round)\n")
            }
            fleet.signal(old.holder, SIGSTOP)
            let new = try #require(try await fleet.leader(after: old.epoch), "nobody took over\n\(fleet.logs)")
            #expect(new.holder != old.holder)
            #expect(await isRepaired(fleet), "\(fleet.logs)")
            _ = await eventually(within: .seconds(20)) { ContinuousClock.now - stopped > Self.lease * 2 }
            let resumed = try #require(try await fleet.leader())
            fleet.signal(old.holder, SIGCONT)
            try fleet.write(fleet.root("server1") + "/srv/site/index.html", "defaced again\n")
            #expect(await isRepaired(fleet), "\(fleet.logs)")
            let now = try #require(try await fleet.leader())
            #expect(now.epoch == resumed.epoch, "the stopped leader must not come back as one\n\(fleet.logs)")
        }
    }

    @Test func `F2: every kill of the leader gives exactly one leader of a higher epoch, soon`() async throws {
        try await TestFleet.with(controllers: 3) { fleet in
            try await bringUp(fleet)
            var epochs: [Int] = []
            for _ in 0..<5 {
                let old = try #require(try await fleet.leader())
                epochs.append(old.epoch)
                await fleet.end(old.holder)
                let killed = ContinuousClock.now
                let new = try #require(try await fleet.leader(after: old.epoch), "nobody took over\n\(fleet.logs)")
                #expect(new.holder != old.holder)
                #expect(ContinuousClock.now - killed < .seconds(2), "a standby need not wait for the lease")
                try fleet.startController(old.holder)
                // A standby takes over early only when its own connection is older than a second.
                await letPass(.milliseconds(1300))
            }
            #expect(epochs == epochs.sorted() && Set(epochs).count == epochs.count)
            try fleet.write(fleet.root("server1") + "/srv/site/index.html", "defaced\n")
            #expect(await isRepaired(fleet), "\(fleet.logs)")
            // One leader for each of them, and its jobs in order: the history is judged when the fleet ends.
            let operations = try await History.recorded(of: fleet).operations
            #expect(Set(operations.filter { $0.name == "lead" }.map(\.epoch)).isSuperset(of: epochs))
            #expect(operations.contains { $0.name == "apply" && $0.end != nil })
        }
    }

    @Test func `F3: a leader whose session connection is dropped hands over in order, and nobody flaps`() async throws {
        try await TestFleet.with(controllers: 2) { fleet in
            try await bringUp(fleet)
            let old = try #require(try await fleet.leader())
            let clients = try await fleet.redisCommand("CLIENT", "LIST", "TYPE", "pubsub")
            var dropped = 0
            for line in clients.split(separator: "\n") where isSubscription(line, of: old.holder) {
                guard let id = line.split(separator: " ").first?.dropFirst(3) else { continue }
                dropped += try await fleet.redisCommand("CLIENT", "KILL", "ID", String(id)).contains("1") ? 1 : 0
            }
            #expect(dropped > 0, "the leader subscribes to its presence channel:\n\(clients)")
            let settled = try #require(try await fleet.leader(after: 0))
            let started = ContinuousClock.now
            var highest = settled.epoch
            var changes = 0
            _ = try await eventually(within: .seconds(8)) {
                if let now = try await fleet.leader(), now.epoch > highest {
                    highest = now.epoch
                    changes += 1
                }
                return ContinuousClock.now - started > .seconds(4)
            }
            #expect(changes <= 4, "no flapping above one a second: \(changes) in 4 s\n\(fleet.logs)")
            try fleet.write(fleet.root("server1") + "/srv/site/index.html", "defaced\n")
            #expect(await isRepaired(fleet), "\(fleet.logs)")
            #expect(fleet.pid(old.holder).map { kill($0, 0) == 0 } ?? false, "the old leader lives on")
        }
    }

    @Test func `SIGTERM hands leadership over without waiting for the lease`() async throws {
        try await TestFleet.with(controllers: 2) { fleet in
            try await bringUp(fleet)
            let old = try #require(try await fleet.leader())
            let told = ContinuousClock.now
            fleet.signal(old.holder, SIGTERM)
            let new = try #require(try await fleet.leader(after: old.epoch, within: .seconds(2)), "\(fleet.logs)")
            #expect(ContinuousClock.now - told < .seconds(2))
            #expect(new.holder != old.holder)
        }
    }

    /// Whether a line of CLIENT LIST is one of a controller's two subscriptions: to its presence channel, or to hints.
    private func isSubscription(_ line: Substring, of holder: String) -> Bool {
        let words = line.split(separator: " ")
        return words.contains("name=\(holder)") && (words.contains("sub=1") || words.contains("ssub=1"))
    }
}
