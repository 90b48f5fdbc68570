// A run that is planned and not enqueued yet.

internal import Model
internal import Reconcilers
internal import Store

struct PlannedRun {
    /// One job and its queue.
    typealias Part = (queue: RunQueue, job: RunJob)

    let plan: RunPlan
    let delay: Duration?
    let notBefore: Timestamp?

    var parts: [Part] { plan.jobs.flatMap { entry in entry.jobs.map { (entry.queue, $0) } } }
    var count: Int { plan.jobs.reduce(0) { $0 + $1.jobs.count } }

    /// All of it; what became of each job.
    func submit(to store: any OperationsStore) async throws -> [(JobReference, Enqueued)] {
        let answers = try await store.submit(plan.jobs, members: plan.members, delay: delay, notBefore: notBefore)
        return plan.jobs.flatMap { entry in
            zip(entry.jobs, answers[entry.queue] ?? []).map { (JobReference(queue: entry.queue, id: $0.id), $1) }
        }
    }

    func openPools(in store: any OperationsStore) async throws {
        _ = try await store.submit([], members: plan.members)
    }

    func submit(_ part: Part, to store: any OperationsStore) async throws -> JobReference {
        _ = try await store.submit([(part.queue, [part.job])], delay: delay, notBefore: notBefore)
        return JobReference(queue: part.queue, id: part.job.id)
    }
}
