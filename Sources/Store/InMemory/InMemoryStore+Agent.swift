// The agent's operations.

public import Model

extension InMemoryStore: AgentStore {
    @discardableResult
    public func report(_ report: ServerReport) throws(StoreError) -> Int {
        try run { state, now throws(StoreError) in
            try state.checkAgent(report.agent, of: report.server)
            return state.report(report, now: now)
        }
    }

    public func report(_ report: InstanceReport) throws(StoreError) -> Int {
        try run { state, now throws(StoreError) in
            try state.checkAgent(report.agent, of: report.id.server)
            return state.report(report, now: now)
        }
    }

    public func assignments(server: String) throws(StoreError) -> AssignmentList {
        try run { state, _ in
            let entry = state[server: server]
            let assignments = entry.instances.values.compactMap { $0.control?.assignment }
            return AssignmentList(
                revision: entry.assignmentRevision, assignments: assignments.sorted { $0.id < $1.id },
                reportInterval: entry.reportInterval)
        }
    }

    public func claim(
        server: String, token: String, limit: Int, lease: Duration, boot: Bool, agent: AgentIdentity?
    ) throws(StoreError) -> ClaimReply {
        try run { state, now in
            if let holder = state.stand(agent, for: server, now: now).1 {
                return ClaimReply(
                    claims: [], assignmentRevision: 0, nextDueAt: holder.heardAt + AgentBounds.silence, now: now,
                    holder: holder)
            }
            return state.claim(server: server, token: token, limit: limit, lease: lease, boot: boot, now: now)
        }
    }

    public func heartbeat(
        server: String, ids: [String], token: String, lease: Duration
    ) throws(StoreError) -> [String] {
        try run { state, now in state.heartbeat(server: server, ids: ids, token: token, lease: lease, now: now) }
    }

    public func complete(
        server: String, id: String, token: String, result: AttemptResult, output: String, report: InstanceReport?
    ) throws(StoreError) {
        try run { state, now throws(StoreError) in
            try state.complete(
                server: server, id: id, token: token, result: result, output: output, report: report, now: now)
        }
    }
}
