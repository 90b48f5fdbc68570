// Jobs of runs, for people: a row each, or all of one.

package import JSON
internal import Manifests
package import Model

package enum RunListing {
    /// How one ended, in a line: `server1/nightly is done, exit code 0, after 1.2 s`.
    package static func end(_ record: RunRecord) -> String {
        var text = "\(record.reference) is \(record.state.rawValue)"
        if let exitCode = record.exitCode { text += ", exit code \(exitCode)" }
        if let took = took(record) { text += ", after \(took)" }
        if case .pool = record.queue, let server = record.server { text += " on \(server)" }
        return (text + (record.error.map { ": \($0)" } ?? "")).printable
    }

    package static func took(_ record: RunRecord) -> String? {
        guard let finishedAt = record.finishedAt, let claimedAt = record.claimedAt else { return nil }
        return (finishedAt - claimedAt).measured
    }

    /// One row of a table of jobs.
    package static func row(_ record: RunRecord, now: Timestamp) -> [Cell] {
        let state = record.isCancelling ? "cancelling" : record.state.rawValue
        return [
            Cell(record.reference), Cell(record.job.origin), Cell(state, record.state.meaning), "\(record.attempt)",
            "\(record.job.steps.count)", Cell((now - record.enqueuedAt).age), Cell(took(record) ?? "-"),
            Cell(record.error ?? ""),
        ]
    }

    /// Everything about one job.
    /// - Parameter output: what it wrote, as far as that is kept.
    package static func description(_ record: RunRecord, output: String, now: Timestamp, _ paint: Paint) -> String {
        let job = record.job
        var text = Facts([
            ("Job", record.reference), ("From", job.origin),
            ("State", record.isCancelling ? "\(record.state.rawValue), its end is asked for" : record.state.rawValue),
            ("Attempt", "\(record.attempt) of \(job.maximumAttempts)"), ("Server", record.server),
            ("Priority", job.priority == RunBounds.priority ? nil : "\(job.priority)"),
            ("Repeatable", job.isSafeToRepeat ? "yes" : "no"), ("Timeout", job.timeout.age),
            ("For", job.scheduledFor?.rfc3339), ("Deadline", job.deadline?.rfc3339),
            ("Enqueued", moment(record.enqueuedAt, now)), ("Begun", record.claimedAt.map { moment($0, now) }),
            ("Finished", record.finishedAt.map { moment($0, now) }),
            (
                record.state == .active ? "Lease ends" : "Due",
                record.dueAt.map { $0 > now ? "in \(($0 - now).age)" : moment($0, now) }
            ),
            ("Exit code", record.exitCode.map { "\($0)" }), ("Error", record.error),
        ]).text(paint)
        text += "\nSteps\n" + job.steps.map { "  \(line($0).printable)\n" }.joined()
        if !output.isEmpty { text += "\nOutput\n" + output.printableLines.map { "  \($0)\n" }.joined() }
        return text
    }

    private static func moment(_ time: Timestamp, _ now: Timestamp) -> String {
        "\(time.rfc3339) (\((now - time).age) ago)"
    }

    /// A step as a person would say it.
    package static func line(_ step: RunStep) -> String {
        switch step {
        case .command(let command):
            command.command.map(quoted).joined(separator: " ") + (command.input.map { " < \($0)" } ?? "")
                + (command.output.map { " > \($0)" } ?? "")
        case .restart(let app, let services):
            services.isEmpty
                ? "restart all services of \(app)" : "restart \(services.joined(separator: ", ")) of \(app)"
        case .upgrade(let packages): "upgrade \(packages.joined(separator: ", "))"
        case .keep(let rule): "keep the newest \(rule.count) of \(rule.folder)/\(rule.pattern)"
        }
    }

    private static func quoted(_ argument: String) -> String {
        let isPlain =
            !argument.isEmpty
            && argument.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "+")...UInt8(ascii: ":")).contains(byte)
                    || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || byte == UInt8(ascii: "_")
                    || byte == UInt8(ascii: "=") || byte == UInt8(ascii: "@") || byte == UInt8(ascii: "%")
            }
        return isPlain ? argument : "'\(argument)'"
    }

    package static func document(_ record: RunRecord, output: String? = nil) -> JSONValue {
        var document = record.json
        document["reference"] = .string(record.reference)
        if let output { document["output"] = .string(output.replacingNulls) }
        return document
    }
}

extension String {
    /// Our JSON has no NUL.
    fileprivate var replacingNulls: String {
        guard utf8.contains(0) else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 }))
    }
}
