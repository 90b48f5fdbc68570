// `describe`: everything about one resource or one instance, in sections.

package import JSON
internal import Manifests
package import Model
package import Store

/// What there is to tell about one resource.
package struct ResourceDescription: Sendable {
    package var row: ResourceRow
    package var instances: [InstanceSnapshot]
    package var jobs: [JobRecord]
    package var events: [Event]

    package init(row: ResourceRow, instances: [InstanceSnapshot], jobs: [JobRecord], events: [Event]) {
        self.row = row
        self.instances = instances
        self.jobs = jobs
        self.events = events
    }

    package func text(now: Timestamp, _ paint: Paint) -> String {
        let resource = row.resource
        let word = row.word
        var sections = [
            Facts(cells: [
                ("Name", Cell(resource.key.description, .strong)),
                ("State", Cell(word.message.isEmpty ? word.text : "\(word.text): \(word.message)", word.meaning)),
                ("Generation", Cell(generation)),
                ("Applied", Cell("\(resource.appliedAt.rfc3339) by \(resource.appliedBy)")),
                ("Digest", Cell(resource.digest)),
            ]).text(paint)
        ]
        if let schedule = row.schedule { sections.append(ScheduleListing.facts(schedule, now: now, paint)) }
        sections.append(section("Conditions", conditions(now: now), paint))
        if let observed = row.observed { sections.append(monitor(observed, now: now, paint)) }
        if !resource.config.isEmpty {
            let entries = resource.config.sorted { $0.key < $1.key }.map { ($0.key, Optional($0.value)) }
            sections.append(paint("Config", .strong) + "\n" + Facts(entries).text(paint, indent: "  "))
        }
        sections.append(section("Instances", InstanceListing.table(instances, now: now), paint))
        sections.append(section("Jobs", JobListing.table(jobs, now: now), paint))
        sections.append(section("Events", EventListing.table(events, now: now), paint))
        sections.append(paint("Manifest", .strong) + "\n" + manifest.map { "  \($0)\n" }.joined())
        return sections.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private var generation: String {
        let seen =
            row.resource.key.kind.hasInstances ? row.status?.observedGeneration : row.schedule?.state?.generation
        return "\(row.resource.generation), seen by the controller: \(seen.map { "\($0)" } ?? "none")"
    }

    private var manifest: [String] {
        let text = (try? JSONValue.parse(row.resource.manifest))?.pretty() ?? row.resource.manifest
        return text.printableLines
    }

    private func conditions(now: Timestamp) -> Table {
        var table = Table([
            Column("TYPE"), Column("STATUS"), Column("REASON"), Column("SINCE", .right), Column("MESSAGE", least: 20),
        ])
        for condition in row.status?.conditions ?? [] {
            table.add([
                Cell(condition.type.rawValue), Cell(condition.status ? "True" : "False"), Cell(condition.reason),
                Cell((now - condition.since).age), Cell(condition.message),
            ])
        }
        return table
    }

    private func monitor(_ observed: ObservedServer, now: Timestamp, _ paint: Paint) -> String {
        let age =
            observed.reportedAt.map { "\((now - $0).age) ago" } ?? (row.isCollected ? "by another collector" : "never")
        let values = observed.values.sorted { $0.key < $1.key }.map { ($0.key, Optional($0.value)) }
        return paint("Monitor", .strong) + "\n" + Facts([("reported", age)] + values).text(paint, indent: "  ")
    }

    package func document(now: Timestamp) -> JSONValue {
        var document = ResourceListing.document(row, now: now)
        document["instances"] = .array(instances.map(InstanceListing.document))
        document["jobs"] = .array(jobs.map(JobListing.document))
        document["events"] = .array(events.map(\.json))
        return document
    }
}

/// What there is to tell about one instance.
package struct InstanceDescription: Sendable {
    package var snapshot: InstanceSnapshot
    /// Its server does not report.
    package var isStale: Bool
    package var jobs: [JobRecord]
    package var events: [Event]

    package init(snapshot: InstanceSnapshot, isStale: Bool, jobs: [JobRecord], events: [Event]) {
        self.snapshot = snapshot
        self.isStale = isStale
        self.jobs = jobs
        self.events = events
    }

    package func text(now: Timestamp, _ paint: Paint) -> String {
        let control = snapshot.control
        let phase = control?.phase ?? .unknown
        let observed = snapshot.observed
        let message = control?.message ?? ""
        let facts: [(String, Cell?)] = [
            ("Instance", Cell(snapshot.id.description, .strong)),
            ("Phase", Cell(message.isEmpty ? phase.rawValue : "\(phase.rawValue): \(message)", phase.meaning)),
            ("Generation", control?.assignment.map { Cell("\($0.generation)") }),
            ("Observed", observed.map { Cell("revision \($0.revision), \((now - $0.reportedAt).age) ago") }),
            ("Open job", control?.openJob.map { Cell($0) }),
            ("Failed rounds", control.flatMap { $0.round.round > 0 ? Cell("\($0.round.round)", .bad) : nil }),
            ("Last error", control?.round.error.map { Cell($0, .bad) }),
        ]
        let sections = [
            Facts(cells: facts.compactMap { name, cell in cell.map { (name, $0) } }).text(paint),
            section("Fields", InstanceListing.fields(snapshot, serverIsStale: isStale, now: now), paint),
            section("Drift", drift(now: now), paint),
            section("Jobs", JobListing.table(jobs, now: now), paint),
            section("Events", EventListing.table(events, now: now), paint),
        ]
        return sections.filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private func drift(now: Timestamp) -> Table {
        var table = Table([
            Column("FIELD", least: 20), Column("DESIRED", least: 10), Column("OBSERVED", least: 10),
            Column("SINCE", .right), Column("CAUSE"),
        ])
        for record in (snapshot.control?.drift.values).map(Array.init)?.sorted(by: { $0.field < $1.field }) ?? [] {
            let (observed, desired) = FieldText.pair(from: record.observed, to: record.desired)
            table.add([
                Cell(record.field.description), Cell(desired), Cell(observed), Cell((now - record.onset).age),
                Cell(record.cause.words),
            ])
        }
        return table
    }

    package func document() -> JSONValue {
        var document = InstanceListing.document(snapshot)
        document["stale"] = .bool(isStale)
        document["jobs"] = .array(jobs.map(JobListing.document))
        document["events"] = .array(events.map(\.json))
        return document
    }
}

/// A title and a table below it; nothing for a table without rows.
private func section(_ title: String, _ table: Table, _ paint: Paint) -> String {
    guard !table.rows.isEmpty else { return "" }
    return paint(title, .strong) + "\n"
        + table.lines(paint, inset: 2).map { "  \($0)\n" }.joined()
}

extension DriftRecord.Cause {
    /// As people read it.
    package var words: String {
        switch self {
        case .new: "new here"
        case .desiredChanged: "desired changed"
        case .changedOnServer: "changed on server"
        }
    }

    /// Who moved, for a column.
    package var word: String {
        switch self {
        case .new: "new"
        case .desiredChanged: "desired"
        case .changedOnServer: "server"
        }
    }
}
