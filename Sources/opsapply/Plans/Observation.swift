// Asking agents to look: an observe job changes nothing, and its output is what is there now. Who does not answer in time
// leaves his fields unknown.

internal import JSON
internal import Model
internal import Output
internal import Reconcilers
internal import Store

struct Observation {
    /// How long all answers together may take.
    static let patience = Duration.seconds(3)
    private static let pollInterval = Duration.milliseconds(20)
    /// So many instances are asked about at most.
    static let limit = 1000

    let store: any OperationsStore

    func ask(_ instances: [DesiredInstance]) async throws -> [InstanceID: [FieldKey: String]] {
        var open: [(id: InstanceID, job: String)] = []
        for instance in instances.prefix(Self.limit) {
            let job = Self.job(instance)
            try await store.enqueueObserve(job)
            open.append((instance.id, job.id))
        }
        var answers: [InstanceID: [FieldKey: String]] = [:]
        let clock = ContinuousClock()
        let end = clock.now + Self.patience
        while !open.isEmpty, clock.now < end {
            var still: [(id: InstanceID, job: String)] = []
            for asked in open {
                guard let record = try await store.job(server: asked.id.server, id: asked.job), record.state.isOpen
                else {
                    answers[asked.id] = try await answer(asked.id.server, asked.job)
                    continue
                }
                still.append(asked)
            }
            open = still
            if !open.isEmpty { try await Task.sleep(for: Self.pollInterval) }
        }
        for asked in open { _ = try await store.cancel(server: asked.id.server, id: asked.job) }
        return answers
    }

    private func answer(_ server: String, _ id: String) async throws -> [FieldKey: String]? {
        guard let record = try await store.job(server: server, id: id), record.state == .done,
            let values = record.output.flatMap({ try? JSONValue.parse($0) })?.object
        else { return nil }
        var fields: [FieldKey: String] = [:]
        for (name, value) in values {
            guard let field = FieldKey(name), let text = value.string else { continue }
            fields[field] = text
        }
        return fields
    }

    private static func job(_ instance: DesiredInstance) -> Job {
        let instance = instance.withoutContents
        let steps = instance.fields.map {
            Step(field: $0.key, action: .update, from: nil, to: $0.expectation.text, spec: $0.spec)
        }
        let plan = Plan(
            instance: instance.id, generation: instance.generation, digest: instance.digest, revision: 0, round: 0,
            steps: steps)
        return Job(id: newID(), kind: .observe, epoch: 0, plan: plan)
    }

    /// 20 hex digits that nobody has used: looking twice is two jobs.
    private static func newID() -> String {
        let digits = Array("0123456789abcdef")
        return String((0..<20).compactMap { _ in digits.randomElement() })
    }
}
