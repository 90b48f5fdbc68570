// The leader is killed with -9 at the moment when a drift is reported; how long until its successor's job is on the queue.

import Glibc
import Model
import RedisStore
import Store
import TestRedis

enum Failover {
    /// Instances of the fleet: enough that a standby which had to read it all would be seen to.
    private static let instances = 10_000
    /// What a replica needs to be a standby that may take over early: to load, and a connection older than a second.
    private static let recovery: Duration = .milliseconds(1700)

    static func run(_ effort: Effort) async throws -> [Figure] {
        let population = try Population(instances: min(instances, effort.instances))
        return try await Stage.with { stage in
            try await population.write(to: stage.store)
            for name in ["one", "two", "three"] { try stage.startController(name) }
            let agents = try (0..<20).map {
                FakeAgent(store: stage.store, member: try population.member(population.apps[0], population.servers[$0]))
            }
            for agent in agents { try await agent.connect() }
            _ = try await stage.waitForLeader(after: (try await stage.store.leader())?.lease.epoch ?? 0)
            await stage.pause(.seconds(5))
            var samples = Samples()
            for round in 0..<effort.kills {
                samples.add(try await kill(stage, agents[round % agents.count]))
            }
            let note = samples.spread
            let what = "kill -9 of the leader → first job of its successor, \(effort.kills) kills"
            return [
                Figure(measure: what, bar: 80, measured: samples.percentile(0.5), unit: "ms p50", note: note),
                Figure(measure: what, bar: 200, measured: samples.percentile(0.99), unit: "ms p99", note: note),
            ]
        }
    }

    private static func kill(_ stage: Stage, _ agent: FakeAgent) async throws -> Duration {
        guard let old = try await stage.store.leader(), old.isHeld else { throw Problem("nobody leads") }
        let pid = try stage.pid(old.lease.holder)
        let killed = ContinuousClock.now
        Glibc.kill(pid, SIGKILL)
        let reported = ContinuousClock.now
        let (latency, job) = try await agent.drift()
        guard job.epoch > old.lease.epoch else {
            throw Problem("a job of epoch \(job.epoch) is not its")
        }
        await stage.end(old.lease.holder)
        try stage.startController(old.lease.holder)
        await stage.pause(recovery)
        return (reported - killed) + latency
    }
}
