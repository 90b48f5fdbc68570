// The report for programs: JSON, CSV, and Markdown for tickets and chats.

package import JSON
internal import Manifests
internal import Model
internal import Reconcilers

extension DriftReport {
    /// `drift` has what is drifted, `unknown` what nobody can say; `fields` all of them, where all were asked for.
    package var document: JSONValue {
        var document: JSONValue = [
            "at": .string(now.rfc3339), "drift": .array(rows.filter { $0.state == .drifted }.map(\.document)),
            "unknown": .array(rows.filter { $0.state == .unknown }.map(\.document)),
            "summary": [
                "instances": .int(instances), "driftedInstances": .int(driftedInstances), "drifted": .int(drifted),
                "unknown": .int(unknown), "inSync": .int(inSync),
            ],
        ]
        let settled = rows.filter { $0.state == .inSync }
        if !settled.isEmpty { document["inSync"] = .array(settled.map(\.document)) }
        if let history {
            document["repaired"] = .array(
                history.map { repaired in
                    var entry = repaired.record.json
                    entry["instance"] = .string(repaired.instance.description)
                    entry["timeToRepairMs"] = repaired.timeToRepair.map { .int(Int($0.wholeMilliseconds)) } ?? .null
                    return entry
                })
        }
        return document
    }

    /// RFC 4180, with a header line; repaired drift has the state `repaired` and ends with its time to repair.
    package var csv: String {
        var lines = [CSV.line(DriftRow.titles)] + rows.map { CSV.line($0.values()) }
        for repaired in history ?? [] {
            let record = repaired.record
            let took = repaired.timeToRepair.map { "repaired after \($0.measured)" } ?? ""
            lines.append(
                CSV.line([
                    repaired.instance.description, record.field.description, "repaired", record.desired,
                    record.observed,
                    record.onset.rfc3339, record.cause.rawValue, "", took,
                ]))
        }
        return lines.joined()
    }

    package var markdown: String {
        var text = "# Drift report\n\n\(now.rfc3339): \(summary).\n"
        if !rows.isEmpty {
            text +=
                "\n"
                + Markdown.table(
                    ["Instance", "Field", "State", "Desired", "Observed", "Since", "Cause", "Seen", "Being done"],
                    rows.map { row in
                        let (desired, observed) = row.pair
                        return [
                            row.instance.description, row.field.description, row.stateWords, desired, observed,
                            row.since?.rfc3339 ?? "-", row.cause?.words ?? "-",
                            row.age.map { "\($0.age) ago" } ?? "never",
                            row.action,
                        ]
                    })
        }
        guard let history, let historySummary else { return text }
        text += "\n## Repaired\n\n\(historySummary).\n"
        if history.isEmpty { return text }
        return text + "\n"
            + Markdown.table(
                ["Instance", "Field", "Was", "Cause", "Onset", "Repaired after"],
                history.map { repaired in
                    let record = repaired.record
                    return [
                        repaired.instance.description, record.field.description,
                        FieldText.narrowPair(from: record.observed, to: record.desired).from, record.cause.words,
                        record.onset.rfc3339, repaired.timeToRepair?.measured ?? "-",
                    ]
                })
    }
}

extension DriftRow {
    var document: JSONValue {
        [
            "instance": .string(instance.description), "field": .string(field.description),
            "state": .string(state.rawValue), "desired": .string(desired),
            "observed": observed.map { .string($0) } ?? .null, "since": since.map { .string($0.rfc3339) } ?? .null,
            "cause": cause.map { .string($0.rawValue) } ?? .null,
            "ageMs": age.map { .int(Int($0.wholeMilliseconds)) } ?? .null, "action": .string(action),
        ]
    }
}
