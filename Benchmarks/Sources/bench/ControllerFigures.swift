// The controller as a process over a large fleet: what it keeps in memory, and how soon a drift is a job.

import Glibc
import Model
import RedisStore
import Store
import TestRedis

enum ControllerFigures {
    static func run(_ effort: Effort) async throws -> [Figure] {
        let population = try Population(instances: effort.instances)
        return try await Stage.with { stage in
            let empty = try await residentWhenIdle(stage, after: 0)
            await stage.end("controller", by: SIGTERM)
            try await population.write(to: stage.store)
            let view = try await stage.store.leader()
            let full = try await residentWhenIdle(stage, after: view?.lease.epoch ?? 0)
            let count = population.ids.count
            let memory = Figure(
                measure: "controller memory per instance at \(count)", bar: 1300,
                measured: Double(full - empty) / Double(count), unit: "bytes",
                note: "resident: \(full / 1_000_000) MB, of which \(empty / 1_000_000) MB with no instance")
            let drifts = try await Heartbeats.with(population.servers, stage.store) {
                try await driftToJob(stage, population, effort.drifts)
            }
            return [memory, drifts]
        }
    }

    /// Starts a controller, and waits until it leads and has become quiet.
    private static func residentWhenIdle(_ stage: Stage, after epoch: Int64) async throws -> Int {
        try stage.startController("controller")
        _ = try await stage.waitForLeader(after: epoch)
        let pid = try stage.pid("controller")
        var last = try Stage.processorTime(pid)
        for _ in 0..<120 {
            await stage.pause(.seconds(1))
            let now = try Stage.processorTime(pid)
            if now - last < .milliseconds(100) { break }
            last = now
        }
        return try Stage.resident(pid)
    }

    private static func driftToJob(_ stage: Stage, _ population: Population, _ count: Int) async throws -> Figure {
        let agents = try (0..<50).map { index in
            let server = population.servers[index * population.servers.count / 50]
            let member = try population.member(population.apps[index % population.apps.count], server)
            return FakeAgent(store: stage.store, member: member)
        }
        for agent in agents { try await agent.connect() }
        var samples = Samples()
        for round in 0..<count {
            samples.add(try await agents[round % agents.count].drift().latency)
        }
        return Figure(
            measure: "observed write → job in the queue, one drift at a time among \(population.ids.count)", bar: 10,
            measured: samples.percentile(0.99), unit: "ms p99", note: samples.spread)
    }
}

/// The agent of one server, as far as the store sees it: reports a drift, takes the job, reports it repaired.
struct FakeAgent: Sendable {
    let store: any OperationsStore
    let member: Population.Member

    private var server: String { member.desired.id.server }

    /// Opens the line on which work is waited for, and takes what was left on it.
    func connect() async throws {
        while try await store.waitForWork(server: server, timeout: .milliseconds(20)) {}
    }

    /// One drift; `before` runs right before the report is sent.
    func drift() async throws -> (latency: Duration, job: Job) {
        var report = member.report
        report.full = false
        guard let field = member.desired.fields.first(where: { $0.key.kind == .file }) else {
            throw Problem("no file to drift")
        }
        report.fields = [field.key: FieldValue.absent]
        report.fieldsDigest = "00000000000000ff"
        let (latency, claim) = try await measure {
            _ = try await store.report(report)
            return try await job()
        }
        report.fields = [field.key: member.report.fields[field.key] ?? nil]
        report.fieldsDigest = member.report.fieldsDigest
        try await store.complete(
            server: server, id: claim.job.id, token: claim.token, result: .done, output: "", report: report)
        try await connect()
        return (latency, claim.job)
    }

    private func job() async throws -> Claim {
        for _ in 0..<100 {
            guard try await store.waitForWork(server: server, timeout: .seconds(1)) else { continue }
            let reply = try await store.claim(
                server: server, token: "bench", limit: 1, lease: .seconds(30), boot: false, agent: nil)
            if let claim = reply.claims.first { return claim }
        }
        throw Problem("no job for \(member.desired.id)")
    }
}
