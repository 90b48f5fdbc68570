// Runs, pools, Schedules, the inbox and locks on a real Redis Cluster: what people do with them, a server of it that is
// killed (F12, F17), and slots that move (F24).

import Glibc
import JSON
import Model
import RedisStore
import Store
import TestRedis
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct RunClusterTests {
    @Test func `people, Schedules, the inbox and locks do on a cluster what they do on one server`() async throws {
        try await PrivateCluster.with { cluster in
            try await RunPlaces.with(at: cluster.url, cluster.primaries[0].server) { places in
                let fleet = places.fleet
                let here = try await fleet.opsapply("run", "--on", "server1", "--", "echo", "here")
                #expect(here.code == 0 && here.output == "here\n", "\(here)\n\(fleet.logs)")
                let all = try await fleet.opsapply("run", "--selector", "role=web", "--", "echo", "all")
                #expect(all.code == 0 && all.output.split(separator: "\n").count == 2, "\(all)\n\(fleet.logs)")
                let any = try await fleet.opsapply("run", "--any", "1", "--selector", "role=web", "--", "echo", "any")
                #expect(any.code == 0 && any.output.hasSuffix("any\n"), "\(any)\n\(fleet.logs)")
                try await places.tick()
                try await Self.jobs(fleet)
                try await Self.inbox(fleet)
                try await Self.locks(fleet)
                try await places.judgeTicks()
            }
        }
    }

    private static func jobs(_ fleet: TestFleet) async throws {
        func opsapply(_ arguments: String..., says text: String) async throws {
            let outcome = try await fleet.opsapply(arguments: arguments)
            #expect(outcome.code == 0 && outcome.output.contains(text), "\(arguments): \(outcome)\n\(fleet.logs)")
        }
        let script = "echo x >> count; echo begun; until [ -e go ]; do sleep 0.02; done; exit 3"
        try await opsapply(
            "run", "--on", "server2", "--id", "j", "--detach", "--", "sh", "-c", script, says: "server2/j enqueued")
        #expect(await eventually(within: .seconds(20)) { fleet.text("server2", "/count") == "x\n" }, "\(fleet.logs)")
        try await opsapply("jobs", "cancel", "j", says: "server2/j runs on server2, which was told")
        #expect(try await fleet.reaches("server2/j", "cancelled"), "\(fleet.logs)")
        try fleet.write(fleet.root("server2") + "/go", "")
        try await opsapply("jobs", "retry", "j", says: "server2/j is ready again")
        #expect(try await fleet.reaches("server2/j", "dead"), "\(fleet.logs)")
        #expect(fleet.text("server2", "/count") == "x\nx\n")
        try await opsapply("jobs", "list", says: "server2/j")
        try await opsapply("jobs", "show", "server2/j", says: "sh exited 3")
        try await opsapply("jobs", "logs", "j", says: "begun")
        try await opsapply("jobs", "purge", "server2/j", says: "1 job forgotten")
    }

    private static func inbox(_ fleet: TestFleet) async throws {
        let schedule = try fleet.manifest(
            "nightly.json",
            """
            { "apiVersion": "ops/v1", "kind": "Schedule", "metadata": { "name": "nightly" },
              "spec": { "at": "0 0 29 2 *", "on": { "selector": { "role": "web" }, "any": 1 },
                        "run": { "steps": [{ "command": ["sh", "-c", "echo x >> /$0/nightly", "\(fleet.folder)"] }] } } }
            """)
        let applied = try await fleet.opsapply("apply", schedule)
        #expect(applied.code == 0, "\(applied)")
        let thumb = #"{"id": "thumb", "on": "server2", "command": ["sh", "-c", "exit 4"]}"#
        for item in ["nightly", "nonsense", thumb] {
            _ = try await fleet.redisCommand("RPUSH", "ops:{ctl}:inbox", item)
        }
        // As the script does that waits for it.
        func field(_ name: String) async throws -> String {
            let line = try await fleet.redisCommand("--raw", "HGET", "ops:{ctl}:inbox:item:thumb", name)
            return line.split(separator: "\n").joined()
        }
        #expect(try await eventually(within: .seconds(20)) { try await field("state") == "accepted" }, "\(fleet.logs)")
        let key = try await field("keys")
        let isDead = try await eventually(within: .seconds(20)) {
            try await fleet.redisCommand("--raw", "HMGET", key, "state", "exitCode") == "dead\n4\n"
        }
        #expect(isDead, "\(fleet.logs)")
        #expect(
            await eventually(within: .seconds(20)) { readText(fleet.folder + "/nightly") == "x\n" }, "\(fleet.logs)")
        let refused = try await fleet.redisCommand("--raw", "LRANGE", "ops:{ctl}:inbox:refused", "0", "-1")
        #expect(refused.contains("\nnonsense"), "\(refused)")
        let run = try await fleet.opsapply("run", "schedule/nightly")
        #expect(run.code == 0 && readText(fleet.folder + "/nightly") == "x\nx\n", "\(run)\n\(fleet.logs)")
    }

    private static func locks(_ fleet: TestFleet) async throws {
        let first = try await fleet.opsapply("lock", "backup", "--once-in", "1h", "--", "echo", "locked")
        #expect(first.code == 0 && first.output == "locked\n", "\(first)")
        let second = try await fleet.opsapply("lock", "backup", "--once-in", "1h", "--", "echo", "locked")
        #expect(second.code == 0 && second.output.isEmpty, "\(second)")
    }

    @Test(arguments: ["killed", "hangs"])
    func `F12, F17: of a cluster one of whose primaries goes no job and no time of a Schedule is lost or done twice`(
        _ end: String
    ) async throws {
        try await PrivateCluster.with(replicas: true, nodeTimeout: 1000, appendOnly: true) { cluster in
            try await RunPlaces.with(at: cluster.url, cluster.replicas[0].server) { places in
                var places = places
                try await places.tick()
                // That of a server's queue, then that of the leader's lock and the inbox, if it is another one.
                for tag in ["s\(Self.shard("server1"))", "ctl"] {
                    let owner = try await cluster.owner(of: try await cluster.slot(of: "{\(tag)}"))
                    guard cluster.primaries.contains(where: { $0.id == owner.id }) else { continue }
                    try await places.enqueue(60, tag, "sleep 0.3")
                    #expect(await places.firstBegun() != nil, "\(places.fleet.logs)")
                    try await cluster.replicate()
                    if end == "killed" { await owner.server.kill9() } else { owner.server.pause() }
                    #expect(try await eventually(within: .seconds(20)) { try await cluster.isWhole(without: owner) })
                    await places.goesOn(after: RunPlaces.now, "F12, a primary \(end), \(tag)")
                    #expect(await places.ticks(2), "\(places.fleet.logs)")
                    if end == "killed" { try await owner.server.startAgain() } else { owner.server.resume() }
                    try await cluster.wait("all are there again") { $0.contains("cluster_state:ok") }
                }
                try await places.judgeJobs()
                try await places.judgeTicks()
            }
        }
    }

    @Test func `F24: while slots move under load no job and no time of a Schedule is lost or done twice`() async throws
    {
        try await PrivateCluster.with { cluster in
            try await RunPlaces.with(at: cluster.url, cluster.primaries[0].server) { places in
                var places = places
                try await places.tick()
                let tags = ["s\(Self.shard("server1"))", "s\(Self.shard("role=web"))", "ctl"]
                for (index, tag) in tags.enumerated() {
                    try await places.enqueue(12, "m\(index)", "sleep 0.1")
                    try await cluster.move(slot: try await cluster.slot(of: "{\(tag)}")) {
                        // What is in it waits; what is elsewhere goes on, and time passes.
                        let job = RunHistory.job("other-\(index)-\(RunPlaces.now)")
                        let queue = RunPlaces.queues[1]
                        _ = try await places.store.enqueue([job], on: queue, delay: nil, notBefore: nil, lease: nil)
                        let isDone = await eventually(within: .seconds(20)) {
                            (try? await places.store.runs([job.id], on: queue))?.first??.state == .done
                        }
                        #expect(isDone, "\(places.fleet.logs)")
                    }
                    #expect(await places.ticks(2), "\(places.fleet.logs)")
                }
                try await places.judgeJobs()
                try await places.judgeTicks()
            }
        }
    }

    private static func shard(_ name: String) -> String {
        let shard = StoreLayout.shard(of: name)
        return shard < 10 ? "0\(shard)" : "\(shard)"
    }
}
