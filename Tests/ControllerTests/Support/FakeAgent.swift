// The agents of all servers as a value-like machine: they observe what is assigned, do the steps of jobs, and report. Real
// drivers are tested elsewhere; here it is only their contract with the store that counts.

import Model
import Store

actor FakeAgents {
    private let store: any AgentStore
    private var machines: [InstanceID: [FieldKey: String]] = [:]
    private var silent: Set<String> = []
    /// The highest epoch that they have seen: jobs of older ones are refused.
    private var epoch: Int64 = 0
    private(set) var completed: [Job] = []
    /// The most instances of one App that were down at one time because a job was being done.
    private(set) var mostBusy: [String: Int] = [:]
    private var busy: [InstanceID: Claim] = [:]
    /// Taken away, and not assigned anew since.
    private var gone: Set<InstanceID> = []

    init(store: any AgentStore) {
        self.store = store
    }

    private var refusal: String?

    /// From now on every job ends dead with this; nil: no more.
    func refuse(_ error: String?) { refusal = error }

    func silence(_ server: String) { silent.insert(server) }
    func wake(_ server: String) { silent.remove(server) }
    /// What a job of this epoch, done before any other, tells them.
    func see(epoch: Int64) { self.epoch = max(self.epoch, epoch) }

    /// Somebody changes something on the server.
    func tamper(_ id: InstanceID, _ field: FieldKey, _ value: String) { machines[id]?[field] = value }
    func value(_ id: InstanceID, _ field: FieldKey) -> String? { machines[id]?[field] }
    var instances: Set<InstanceID> { Set(machines.keys) }

    /// One round of each server's agent: begin jobs, or end those begun in the round before, then look and report.
    func round(_ servers: [String]) async throws(StoreError) {
        for server in servers where !silent.contains(server) {
            try await store.report(
                ServerReport(server: server, values: ["root": "/", "status": "running"], full: true))
            try await endJobs(server)
            try await beginJobs(server)
            try await observe(server)
        }
    }

    private func observe(_ server: String) async throws(StoreError) {
        let assignments = try await store.assignments(server: server).assignments
        let assigned = Set(assignments.map(\.id))
        gone = gone.filter { $0.server != server || assigned.contains($0) }
        for assignment in assignments where busy[assignment.id] == nil && !gone.contains(assignment.id) {
            _ = try await store.report(report(assignment))
        }
    }

    private func report(_ assignment: Assignment) -> InstanceReport {
        let machine = machines[assignment.id] ?? [:]
        var fields: [FieldKey: String?] = [:]
        for field in assignment.fields { fields[field.key] = machine[field.key] ?? Self.nothing(field.key.kind) }
        let isUp = fields.allSatisfy { $0.key.kind != .service || $0.value?.hasPrefix("running") == true }
        for key in fields.keys where key.kind == .health {
            fields[key] = isUp ? FieldValue.healthy : FieldValue.unhealthy("connection refused")
        }
        return InstanceReport(
            id: assignment.id, generation: assignment.generation, digest: assignment.digest, fields: fields, full: true,
            fieldsDigest: Self.digest(fields))
    }

    private static func nothing(_ kind: FieldKind) -> String {
        switch kind {
        case .service: FieldValue.stopped
        case .command: FieldValue.pending
        default: FieldValue.absent
        }
    }

    private static func digest(_ fields: [FieldKey: String?]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            for byte in "\(key)=\(value ?? "")".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        let text = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }

    private func beginJobs(_ server: String) async throws(StoreError) {
        let reply = try await store.claim(
            server: server, token: "t-\(server)", limit: 10, lease: .seconds(30), boot: false, agent: nil)
        for claim in reply.claims { busy[claim.job.plan.instance] = claim }
        var apps: [String: Int] = [:]
        for id in busy.keys { apps[id.app ?? "", default: 0] += 1 }
        for (app, count) in apps { mostBusy[app] = max(mostBusy[app] ?? 0, count) }
    }

    private func endJobs(_ server: String) async throws(StoreError) {
        for (id, claim) in busy where id.server == server {
            busy[id] = nil
            let assignments = try await store.assignments(server: server).assignments
            if let refusal {
                try await store.complete(
                    server: server, id: claim.job.id, token: claim.token, result: .dead(error: refusal), output: "",
                    report: nil)
                continue
            }
            do {
                guard claim.job.epoch >= epoch else {
                    let refusal = AttemptResult.dead(error: "refused: epoch \(claim.job.epoch) is older than \(epoch)")
                    try await store.complete(
                        server: server, id: claim.job.id, token: claim.token, result: refusal, output: "", report: nil)
                    continue
                }
                epoch = claim.job.epoch
                try await store.complete(
                    server: server, id: claim.job.id, token: claim.token, result: .done, output: "",
                    report: perform(claim.job, assignments.first { $0.id == id }))
                completed.append(claim.job)
            } catch .conflict {
                continue
            }
        }
    }

    private func perform(_ job: Job, _ assignment: Assignment?) -> InstanceReport? {
        let id = job.plan.instance
        if job.plan.isRemoval {
            machines[id] = nil
            gone.insert(id)
            return InstanceReport(
                id: id, generation: job.plan.generation, digest: "", fields: [:], full: true, fieldsDigest: "",
                gone: true)
        }
        guard let assignment else { return nil }
        for step in job.plan.steps {
            guard let field = assignment.fields.first(where: { $0.key == step.field }) else {
                machines[id]?[step.field] = nil
                continue
            }
            machines[id, default: [:]][step.field] = Self.meeting(field.expectation)
        }
        return report(assignment)
    }

    private static func meeting(_ expectation: Expectation) -> String {
        switch expectation {
        case .exactly(let text): text
        case .startsWith(let prefix): prefix + "root:root"
        case .present: "1.0"
        case .owned(let head, let owner, let group): "\(head) \(owner ?? "root"):\(group ?? "root")"
        }
    }
}
