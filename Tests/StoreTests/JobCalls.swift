// What the conformance tests of jobs ask of a store, about the job `j1` of `server1`.

import Model
import Store

extension AgentStore {
    func claimed(
        _ token: String, limit: Int = 9, lease: Duration = .seconds(60), boot: Bool = false,
        agent: AgentIdentity? = nil
    ) async throws -> ClaimReply {
        try await claim(server: "server1", token: token, limit: limit, lease: lease, boot: boot, agent: agent)
    }

    func completed(
        _ token: String, _ result: AttemptResult, report: InstanceReport? = nil, output: String = "out"
    ) async throws {
        try await complete(
            server: "server1", id: "j1", token: token, result: result, output: output, report: report)
    }
}
