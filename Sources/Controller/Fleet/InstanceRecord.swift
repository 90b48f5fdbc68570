// What is kept of each instance: 48 bytes in one array. Everything else is read when it is needed.

package import Model
import Store

/// A place in the fleet's table of instances. It may be given to another instance after the first is gone; whoever holds
/// one too long only causes a look too many.
package struct Slot: WorkKey, Comparable {
    package var index: Int32

    package init(index: Int32) {
        self.index = index
    }

    package var seed: UInt64 { UInt64(UInt32(bitPattern: index)) }

    package static func < (left: Slot, right: Slot) -> Bool { left.index < right.index }
}

package struct InstanceFlags: OptionSet, Sendable, Hashable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// The App's placement names this server (or the Server has content).
    package static let placed = InstanceFlags(rawValue: 1)
    /// The agent was told to observe it.
    package static let assigned = InstanceFlags(rawValue: 2)
    /// Services run, health checks are well.
    package static let available = InstanceFlags(rawValue: 4)
    /// It was what it should be at some time: from then on its loss counts.
    package static let met = InstanceFlags(rawValue: 8)
    /// A job is open, or about to be.
    package static let inFlight = InstanceFlags(rawValue: 16)
    /// Another replica wrote to it, and it was not read since.
    package static let unseen = InstanceFlags(rawValue: 32)
    /// It was read since this replica started.
    package static let seen = InstanceFlags(rawValue: 64)
    /// Steps are wanted.
    package static let drifting = InstanceFlags(rawValue: 128)
    /// A standby's decision that would have written.
    package static let pending = InstanceFlags(rawValue: 256)
    /// The place is taken.
    package static let inUse = InstanceFlags(rawValue: 512)
    /// It was given a unit of its App's budget, and is not done with it.
    package static let reserved = InstanceFlags(rawValue: 1024)
    /// Its server did not report when it was looked at.
    package static let stale = InstanceFlags(rawValue: 2048)
    /// It is in its App's line for the budget.
    package static let waiting = InstanceFlags(rawValue: 4096)
    /// Nobody declares its server (any more): what is left there goes when its agent comes, and nothing waits for it.
    package static let orphaned = InstanceFlags(rawValue: 8192)
}

package struct InstanceRecord: Sendable {
    /// Index of the App; -1 for what the Server carries by itself.
    package var app: Int32 = -1
    package var server: Int32 = 0
    /// The observed revision, fields digest and resource generation that the last look found settled.
    package var revision: Int64 = -1
    package var fieldsDigest: UInt64 = 0
    /// The revision that `fieldsDigest` belongs to.
    package var digestRevision: Int64 = -1
    package var generation: Int32 = 0
    package var phase: InstancePhase = .unknown
    package var flags: InstanceFlags = []

    /// Whether its loss counts against `maxUnavailable`. One that is no longer wanted is missed by nobody.
    var isUnavailable: Bool {
        flags.contains(.reserved)
            || flags.contains([.placed, .met]) && (!flags.contains(.available) || flags.contains(.inFlight))
    }

    /// Whether its App no longer wants it here, and the agent still has it.
    var isLeaving: Bool { flags.contains(.assigned) && !flags.contains(.placed) }
}

extension InstancePhase {
    /// Its place in arrays of counts.
    package var rank: Int {
        switch self {
        case .unknown: 0
        case .ready: 1
        case .progressing: 2
        case .waiting: 3
        case .unhealthy: 4
        case .failed: 5
        case .suspended: 6
        case .removing: 7
        }
    }
}

/// Counts over the instances of one App, kept up to date with each change of one of them.
package struct Tally: Sendable, Hashable {
    private var phases = [Int32](repeating: 0, count: InstancePhase.allCases.count)
    package private(set) var placed = 0
    package private(set) var assigned = 0
    package private(set) var leaving = 0
    package private(set) var unavailable = 0
    package private(set) var unseen = 0
    package private(set) var drifting = 0
    package private(set) var stale = 0

    /// `generation`: the App's. An instance that was not looked at since it changed is on its way, whatever it was before.
    mutating func count(_ record: InstanceRecord, _ sign: Int, generation: Int) {
        let flags = record.flags
        if flags.contains(.orphaned) { return }
        if flags.contains(.placed) { placed += sign }
        if flags.contains(.assigned) { assigned += sign }
        if record.isLeaving { leaving += sign }
        if record.isUnavailable { unavailable += sign }
        if flags.contains(.unseen) { unseen += sign }
        if flags.contains(.drifting) { drifting += sign }
        if flags.contains(.stale) { stale += sign }
        if flags.contains(.placed) || flags.contains(.assigned) {
            let outdated = flags.contains(.placed) && Int(record.generation) != generation
            phases[(outdated ? .progressing : record.phase).rank] += Int32(sign)
        }
    }

    package func count(_ phase: InstancePhase) -> Int { Int(phases[phase.rank]) }

    package var counts: [InstancePhase: Int] {
        var result: [InstancePhase: Int] = [:]
        for phase in InstancePhase.allCases where count(phase) > 0 { result[phase] = count(phase) }
        return result
    }
}
