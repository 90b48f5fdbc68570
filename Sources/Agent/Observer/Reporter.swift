// Sends reports, one at a time and in order; completions of jobs go the same way, so that neither can overwrite the other
// with what is older.

package import Model
package import Store

package final class Reporter: Sendable {
    /// Reports of one instance in a row: what may pass, and the present one.
    private static let mostInARow = 16

    private let store: any AgentStore
    private let table: ObservedTable
    private let standing: Standing
    private let outage: Outage
    private let lane = AsyncLane()
    private let alarm = Alarm()

    package init(store: any AgentStore, table: ObservedTable, standing: Standing, outage: Outage) {
        self.store = store
        self.table = table
        self.standing = standing
        self.outage = outage
    }

    /// Something may be there to report.
    package func wake() { alarm.ring() }

    /// Reports until it is cancelled. What a running job holds back is sent when its hold ends.
    package func run() async {
        var retry = StoreRetry()
        while !Task.isCancelled {
            guard !standing.isWaiting else {
                await alarm.wait(until: nil)
                continue
            }
            var reached = true
            // One that the store does not take keeps no other waiting.
            for id in table.dirty where !Task.isCancelled { reached = await send(id) && reached }
            if reached {
                retry.reset()
                await alarm.wait(until: table.nextRelease)
            } else {
                try? await Task.sleep(for: retry.wait())
            }
        }
    }

    /// Sends all that is to be said of one instance; false if the store could not be reached.
    private func send(_ id: InstanceID) async -> Bool {
        await lane.run {
            for _ in 0..<Self.mostInARow {
                guard table.dirty.contains(id), var report = table.nextReport(of: id) else { return true }
                report.agent = standing.agent
                do throws(StoreError) {
                    _ = try await store.report(report)
                    table.wasReported(report)
                    outage.over()
                } catch {
                    table.forgetReported(id)
                    // Another agent stands for the server: the executors are about to hear of it.
                    if case .conflict = error { return false }
                    outage.began(error)
                    return false
                }
            }
            return true
        }
    }

    /// Ends an attempt with a report of its instance in the same script. `gone`: the instance has left this server.
    package func complete(
        _ job: Job, token: String, result: AttemptResult, output: String, gone: Bool
    ) async throws(StoreError) {
        let id = job.plan.instance
        try await lane.run { () throws(StoreError) in
            var report = gone ? Self.farewell(job.plan) : table.nextReport(of: id, always: true)
            report?.agent = standing.agent
            do throws(StoreError) {
                try await store.complete(
                    server: id.server, id: job.id, token: token, result: result, output: output, report: report)
            } catch {
                table.forgetReported(id)
                throw error
            }
            if gone { table.remove(id) } else if let report { table.wasReported(report, completing: true) }
        }
    }

    private static func farewell(_ plan: Plan) -> InstanceReport {
        InstanceReport(
            id: plan.instance, generation: plan.generation, digest: plan.digest, fields: [:], full: true,
            fieldsDigest: Digest.fields([:]), gone: true)
    }
}
