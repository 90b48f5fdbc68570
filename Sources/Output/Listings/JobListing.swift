// `jobs`: the queue of a server, or all of one job.

package import JSON
internal import Manifests
package import Model

package enum JobListing {
    /// Plans for instances and jobs of runs in one table, the newest first.
    package static func table(_ records: [JobRecord], runs: [RunRecord] = [], now: Timestamp) -> Table {
        var table = Table([
            Column("JOB", least: 24), Column("FOR", least: 16), Column("STATE"), Column("ATTEMPT", .right),
            Column("STEPS", .right),
            Column("AGE", .right), Column("TOOK", .right), Column("ERROR", least: 6),
        ])
        let rows =
            records.map { ($0.enqueuedAt, row($0, now: now)) }
            + runs.map { ($0.enqueuedAt, RunListing.row($0, now: now)) }
        for (_, row) in rows.sorted(by: { $0.0 > $1.0 }) { table.add(row) }
        return table
    }

    private static func row(_ record: JobRecord, now: Timestamp) -> [Cell] {
        let plan = record.job.plan
        let kind = record.job.kind == .observe ? "look" : plan.isRemoval ? "removal" : "\(plan.steps.count)"
        return [
            Cell(record.job.id), Cell(plan.instance.description), Cell(record.state.rawValue, record.state.meaning),
            "\(record.attempt)", Cell(kind), Cell((now - record.enqueuedAt).age), Cell(took(record) ?? "-"),
            Cell(record.error ?? ""),
        ]
    }

    private static func took(_ record: JobRecord) -> String? {
        guard let finishedAt = record.finishedAt else { return nil }
        return (finishedAt - (record.claimedAt ?? record.enqueuedAt)).measured
    }

    /// Everything about one job, for people.
    package static func description(_ record: JobRecord, now: Timestamp, _ paint: Paint) -> String {
        let plan = record.job.plan
        var text = Facts([
            ("Job", record.job.id), ("Instance", plan.instance.description), ("State", record.state.rawValue),
            ("Kind", record.job.kind.rawValue), ("Generation", "\(plan.generation)"),
            ("From revision", "\(plan.revision)"), ("Epoch", "\(record.job.epoch)"), ("Round", "\(plan.round)"),
            ("Attempt", "\(record.attempt) of \(Job.maximumAttempts)"),
            ("Enqueued", moment(record.enqueuedAt, now)),
            ("Claimed", record.claimedAt.map { moment($0, now) }),
            ("Finished", record.finishedAt.map { moment($0, now) }),
            ("Due", record.dueAt.map { $0 > now ? "in \(($0 - now).age)" : moment($0, now) }), ("Error", record.error),
        ]).text(paint)
        text += "\nSteps\n" + steps(plan).lines(paint).map { "  \($0)\n" }.joined()
        if let output = record.output, !output.isEmpty {
            text += "\nOutput\n" + output.printableLines.map { "  \($0)\n" }.joined()
        }
        return text
    }

    private static func moment(_ time: Timestamp, _ now: Timestamp) -> String {
        "\(time.rfc3339) (\((now - time).age) ago)"
    }

    package static func steps(_ plan: Plan) -> Table {
        var table = Table([
            Column("ACTION"), Column("FIELD", least: 20), Column("FROM", least: 10), Column("TO", least: 10),
        ])
        for step in plan.steps {
            let (from, to) = FieldText.pair(from: step.from, to: step.to)
            table.add([Cell(step.action.rawValue), Cell(step.field.description), Cell(from), Cell(to)])
        }
        return table
    }

    package static func document(_ records: [JobRecord], runs: [RunRecord] = []) -> JSONValue {
        ["jobs": .array(records.map(document)), "runs": .array(runs.map { RunListing.document($0) })]
    }

    /// The job, its plan and its record as one flat object.
    package static func document(_ record: JobRecord) -> JSONValue {
        var document = record.json
        guard case .object(let job) = record.job.json, case .object(let plan) = record.job.plan.json else {
            return document
        }
        document["job"] = nil
        for (key, value) in job where key != "plan" { document[key] = value }
        for (key, value) in plan { document[key] = value }
        return document
    }
}
