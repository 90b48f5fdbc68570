// All of one job, whichever kind it is.

internal import Model
internal import Output
internal import Store

struct JobDetails {
    let output: OutputFormat

    /// By its whole id, or, of a plan, by the beginning of it.
    func show(_ id: String, on queues: [RunQueue], now: Timestamp, _ store: any OperationsStore) async throws {
        var isFound = false
        for queue in queues {
            if case .server(let server) = queue, let record = try await plan(id, on: server, store) {
                isFound = true
                switch output {
                case .table: Console.out(JobListing.description(record, now: now, Console.paint))
                case .json: Console.out(JobListing.document(record))
                case .name: Console.out("\(record.job.id)\n")
                }
                break
            }
            guard RunBounds.isValid(id: id), let record = try await store.runs([id], on: queue).first ?? nil else {
                continue
            }
            if isFound, output == .table { Console.out("\n") }
            isFound = true
            try await show(record, now: now, store)
        }
        guard isFound else {
            let place = queues.count == 1 ? " on \(queues[0])" : ""
            throw CommandFailure("there is no job \(id.printable)\(place)")
        }
    }

    private func show(_ record: RunRecord, now: Timestamp, _ store: any OperationsStore) async throws {
        let written = try await store.output(of: record.job.id, on: record.queue, after: nil).chunks.joined()
        switch output {
        case .table: Console.out(RunListing.description(record, output: written, now: now, Console.paint))
        case .json: Console.out(RunListing.document(record, output: written))
        case .name: Console.out("\(record.reference)\n")
        }
    }

    private func plan(_ id: String, on server: String, _ store: any OperationsStore) async throws -> JobRecord? {
        if let record = try await store.job(server: server, id: id) { return record }
        guard id.count >= 4 else { return nil }
        return try await store.jobs(server: server, limit: QueueBounds.endedJobsKept * 2).first {
            $0.job.id.hasPrefix(id)
        }
    }
}
