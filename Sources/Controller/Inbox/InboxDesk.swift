// One batch of the inbox: each item becomes jobs on queues, or a reason why not. An item has one id for as long as it is not
// settled, and so have its jobs: whoever does it again after a crash finds what was done.

import Manifests
import Model
import Reconcilers
import Store

struct InboxDesk {
    private let store: any ControllerStore
    private let lease: Lease
    private var fleet: InboxFleet

    init(_ store: any ControllerStore, _ lease: Lease) {
        self.store = store
        self.lease = lease
        fleet = InboxFleet(store)
    }

    /// Throws what has nothing to do with the item: it is to be asked again then.
    mutating func settle(_ item: InboxItem) async throws(StoreError) -> InboxSettlement {
        let verdict: InboxSettlement.Verdict
        do {
            verdict = .accepted(try await enqueue(try await request(item), item))
        } catch let problem as InboxProblem {
            verdict = .refused(problem.description)
        } catch let problem as RequestProblem {
            verdict = .refused(problem.description)
        } catch let error as StoreError {
            guard error.isLasting else { throw error }
            verdict = .refused(error.description)
        } catch {
            verdict = .refused("\(error)")
        }
        return InboxSettlement(id: item.id, name: InboxOrder.id(in: item.text), verdict: verdict)
    }

    private func request(_ item: InboxItem) async throws -> InboxRequest {
        switch try InboxOrder(item.text) {
        case .job(let request):
            if let id = request.id, InboxItem.isGiven(id: id) {
                throw InboxProblem(
                    "id: expected one that does not begin with inbox-, found \(id): those are given here")
            }
            return request
        case .action(let app, let name):
            return InboxRequest(request: RunRequest(work: .action(app: app, name: name), targets: .instances))
        case .schedule(let name):
            return InboxRequest(request: try await fleet.schedule(name))
        }
    }

    private mutating func enqueue(_ request: InboxRequest, _ item: InboxItem) async throws -> [InboxJob] {
        // The number of an item is the time when it was taken: the same whoever plans it, and how often.
        let time = Timestamp(milliseconds: item.number)
        let identity = RequestPlanner.Identity(id: request.id ?? item.id, origin: RunJob.inbox, time: time)
        let plan = try RequestPlanner(try await fleet.read(for: request.request)).plan(request.request, identity)
        let answers = try await store.submit(
            plan.jobs, members: plan.members, notBefore: request.at ?? request.delay.map { time + $0 }, lease: lease)
        return plan.jobs.flatMap { entry in
            zip(entry.jobs, answers[entry.queue] ?? []).map {
                InboxJob(queue: entry.queue, id: $0.id, outcome: $1)
            }
        }
    }
}
