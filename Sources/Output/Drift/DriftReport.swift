// The drift report: every field that is not in sync, what was repaired, and how much is well. Five renderings of one value.

package import Model
package import Reconcilers

/// A repaired drift.
package struct RepairedDrift: Sendable, Hashable {
    package var instance: InstanceID
    package var record: DriftRecord

    package init(instance: InstanceID, record: DriftRecord) {
        self.instance = instance
        self.record = record
    }

    /// From its onset to its repair.
    package var timeToRepair: Duration? { record.repairedAt.map { $0 - record.onset } }
}

package struct DriftReport: Sendable {
    package let now: Timestamp
    /// What is not in sync: drifted and unknown fields, and with `keepsAll` the others too.
    package private(set) var rows: [DriftRow] = []
    /// Newest first; nil if nobody asked.
    package var history: [RepairedDrift]?
    package private(set) var counts: [DriftRow.State: Int] = [:]
    package private(set) var instances = 0
    package private(set) var driftedInstances = 0
    /// Something that is stored could not be read.
    package var isIncomplete = false
    private let keepsAll: Bool

    package init(now: Timestamp, keepsAll: Bool = false) {
        self.now = now
        self.keepsAll = keepsAll
    }

    /// Adds the rows of one instance.
    package mutating func add(_ fields: [DriftRow]) {
        instances += 1
        var drifted = false
        for row in fields {
            counts[row.state, default: 0] += 1
            if row.state == .drifted { drifted = true }
            if keepsAll || row.state != .inSync { rows.append(row) }
        }
        if drifted { driftedInstances += 1 }
    }

    /// Adds an instance of which all fields are in sync.
    package mutating func addInSync(fields: Int) {
        instances += 1
        counts[.inSync, default: 0] += fields
    }

    package var drifted: Int { counts[.drifted] ?? 0 }
    package var unknown: Int { counts[.unknown] ?? 0 }
    package var inSync: Int { counts[.inSync] ?? 0 }
    package var hasDifferences: Bool { drifted + unknown > 0 }

    /// The instances that have drifted fields, in order.
    package var driftedNames: [String] {
        Set(rows.lazy.filter { $0.state == .drifted }.map(\.instance)).sorted().map(\.description)
    }

    /// `2 fields drifted on 1 of 3 instances, 0 unknown, 28 in sync`.
    package var summary: String {
        "\(counted(drifted, "field")) drifted on \(driftedInstances) of \(counted(instances, "instance")), "
            + "\(unknown) unknown, \(inSync) in sync"
    }

    /// `5 repaired, slowest 1.2 s, median 310 ms`; nil where there is nothing to say.
    package var historySummary: String? {
        guard let history else { return nil }
        let times = history.compactMap(\.timeToRepair).sorted()
        guard let slowest = times.last else { return "nothing was repaired yet" }
        return "\(times.count) repaired, median \(times[times.count / 2].measured), slowest \(slowest.measured)"
    }
}

extension DriftRow {
    /// The columns of every rendering, in order.
    package static let titles = [
        "instance", "field", "state", "desired", "observed", "since", "cause", "age", "action",
    ]

    package var stateWords: String {
        switch state {
        case .drifted: "drifted"
        case .unknown: "unknown"
        case .inSync: "in sync"
        }
    }

    var meaning: Paint.Meaning {
        switch state {
        case .drifted: .bad
        case .unknown: .warning
        case .inSync: .good
        }
    }

    /// Desired and observed, in as little room as tells them apart.
    var pair: (desired: String, observed: String) {
        let pair = FieldText.narrowPair(from: observed, to: desired)
        return (pair.to, pair.from)
    }

    /// What is being done, with the beginning of a job's id, by which `jobs --id` finds it.
    var actionWords: String {
        action.split(separator: " ", omittingEmptySubsequences: false).map { word in
            word.count == 20 && word.allSatisfy(\.isHexDigit) ? String(word.prefix(8)) : String(word)
        }.joined(separator: " ")
    }

    /// Values for programs, in the order of `titles`: whole, times in RFC 3339, the age in seconds.
    package func values() -> [String] {
        [
            instance.description, field.description, state.rawValue, desired, observed ?? "", since?.rfc3339 ?? "",
            cause?.rawValue ?? "", age.map { "\(Double($0.wholeMilliseconds) / 1000)" } ?? "", action,
        ]
    }
}
