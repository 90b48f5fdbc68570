// From counters to the six conditions of a resource. `since` is kept as long as a condition's status does not change.

public import Model

public enum StatusReducer {
    /// The status of an App or a Server.
    public static func status(
        of key: ResourceKey, _ facts: StatusFacts, previous: ResourceStatus?, now: Timestamp
    ) -> ResourceStatus {
        let findings = [
            ready(key, facts), progressing(facts), drifted(facts), degraded(facts), suspended(facts), stale(key, facts),
        ]
        let conditions = findings.map { finding in
            let before = previous?.condition(finding.type)
            let since = before?.status == finding.status ? before?.since ?? now : now
            return Condition(
                type: finding.type, status: finding.status, reason: finding.reason, message: finding.message,
                since: since)
        }
        return ResourceStatus(
            observedGeneration: facts.generation, conditions: conditions, counts: facts.counts.filter { $0.value > 0 })
    }

    private struct Finding {
        var type: Condition.Kind
        var status: Bool
        var reason: String
        var message: String
    }

    private static func ready(_ key: ResourceKey, _ facts: StatusFacts) -> Finding {
        let (ready, total) = (facts.count(.ready), facts.total)
        if let invalid = facts.invalid {
            return Finding(type: .ready, status: false, reason: "Invalid", message: invalid)
        }
        if total == 0, key.kind == .app {
            return Finding(type: .ready, status: false, reason: "NoServers", message: "it selects no server")
        }
        if key.kind == .server, facts.stale > 0 {
            return Finding(type: .ready, status: false, reason: "NotReporting", message: "its agent does not report")
        }
        if ready == total {
            let message = total == 0 ? "it reports" : tally(ready, total)
            return Finding(type: .ready, status: true, reason: "AllReady", message: message)
        }
        let example = facts.example(
            .failed, .unhealthy, .waiting, .progressing, .unknown, .suspended, .removing)
        let message = [tally(ready, total), example].compactMap(\.self).joined(separator: "; ")
        return Finding(type: .ready, status: false, reason: notReadyReason(facts), message: message)
    }

    private static func tally(_ ready: Int, _ total: Int) -> String {
        "\(ready) of \(counted(total)) ready"
    }

    private static func counted(_ instances: Int) -> String { "\(instances) instance\(instances == 1 ? "" : "s")" }

    private static func notReadyReason(_ facts: StatusFacts) -> String {
        if facts.count(.failed) > 0 { return "InstancesFailed" }
        if facts.count(.unhealthy) > 0 { return "InstancesUnhealthy" }
        if facts.count(.progressing, .waiting, .removing) > 0 { return "InstancesProgressing" }
        return facts.count(.suspended) > 0 ? "InstancesSuspended" : "InstancesUnknown"
    }

    private static func progressing(_ facts: StatusFacts) -> Finding {
        let moving = facts.count(.progressing, .removing)
        if moving > 0 {
            let message = facts.example(.progressing, .removing) ?? "\(counted(moving)) in work"
            return Finding(type: .progressing, status: true, reason: "JobsOpen", message: message)
        }
        if facts.count(.waiting) > 0 {
            let message = facts.example(.waiting) ?? "\(counted(facts.count(.waiting))) waiting"
            return Finding(type: .progressing, status: true, reason: "Waiting", message: message)
        }
        if facts.count(.unknown) > facts.stale {
            let message = facts.example(.unknown) ?? "instances are not observed yet"
            return Finding(type: .progressing, status: true, reason: "Observing", message: message)
        }
        return Finding(type: .progressing, status: false, reason: "Settled", message: "nothing is under way")
    }

    private static func drifted(_ facts: StatusFacts) -> Finding {
        guard facts.drifted > 0 else {
            return Finding(type: .drifted, status: false, reason: "InSync", message: "no drift is known")
        }
        let message = "\(facts.drifted) of \(facts.total) instances differ from what is desired"
        return Finding(type: .drifted, status: true, reason: "FieldsDiffer", message: message)
    }

    private static func degraded(_ facts: StatusFacts) -> Finding {
        if let invalid = facts.invalid {
            return Finding(type: .degraded, status: true, reason: "Invalid", message: invalid)
        }
        if facts.count(.failed) > 0 {
            let message = facts.example(.failed) ?? "\(counted(facts.count(.failed))) failed"
            return Finding(type: .degraded, status: true, reason: "JobsFailed", message: message)
        }
        if facts.count(.unhealthy) > 0 {
            let message = facts.example(.unhealthy) ?? "\(counted(facts.count(.unhealthy))) not well"
            return Finding(type: .degraded, status: true, reason: "InstancesUnhealthy", message: message)
        }
        return Finding(type: .degraded, status: false, reason: "NoFailures", message: "nothing failed")
    }

    private static func suspended(_ facts: StatusFacts) -> Finding {
        if let suspension = facts.suspension {
            let end = suspension.until.map { " until \($0.rfc3339)" } ?? ""
            return Finding(
                type: .suspended, status: true, reason: "SuspendedByManifest", message: suspension.reason + end)
        }
        if facts.count(.suspended) > 0 {
            let message = facts.example(.suspended) ?? "\(counted(facts.count(.suspended))) suspended"
            return Finding(type: .suspended, status: true, reason: "ServersSuspended", message: message)
        }
        return Finding(type: .suspended, status: false, reason: "NotSuspended", message: "")
    }

    private static func stale(_ key: ResourceKey, _ facts: StatusFacts) -> Finding {
        guard facts.stale > 0 else {
            return Finding(type: .stale, status: false, reason: "Reporting", message: "")
        }
        let message =
            key.kind == .server
            ? "its agent does not report"
            : facts.example(.unknown) ?? "\(counted(facts.stale)) on servers that do not report"
        return Finding(type: .stale, status: true, reason: "NotReporting", message: message)
    }
}
