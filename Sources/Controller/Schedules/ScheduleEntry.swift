// One Schedule as the leader keeps it: what it says, how far it has come, and when there is something to decide.

internal import Calendar
internal import Manifests
internal import Model
internal import Reconcilers
internal import Store

struct ScheduleEntry: Sendable {
    enum Clockwork: Sendable {
        case time(ScheduleDecider)
        case condition(ConditionDecider, ConditionTrigger)
        /// Only when a person asks.
        case none
    }

    let name: String
    let generation: Int
    let digest: String
    let spec: ScheduleSpec
    let clockwork: Clockwork
    var state: ScheduleState?
    /// When there is something to decide; nil: never.
    var dueAt: Timestamp?
    /// Told once: why it cannot be decided until a person does something.
    var hindrance: String?

    /// Whoever reads the manifest has checked what it names; a zone can have gone from this machine since.
    init(_ stored: StoredResource, zones: ZoneDatabase, now: Timestamp) throws(ScheduleProblem) {
        if let problem = stored.problem { throw ScheduleProblem(why: problem) }
        let resource: ManifestResource
        do throws(ManifestError) { resource = try ManifestReader.readStored(stored.manifest) } catch {
            throw ScheduleProblem(why: "\(error)")
        }
        guard case .schedule(let spec) = resource.spec else { throw ScheduleProblem(why: "it is no Schedule") }
        name = stored.key.name
        generation = stored.generation
        digest = stored.digest
        self.spec = spec
        dueAt = now
        switch spec.trigger {
        case .time(let trigger): clockwork = try Self.times(spec, trigger, stored, zones)
        case .condition(let trigger):
            clockwork = .condition(
                ConditionDecider(name: name, generation: generation, spec: spec, trigger: trigger), trigger)
        case .demand:
            clockwork = .none
            dueAt = nil
        }
    }

    var hasTimes: Bool { if case .time = clockwork { true } else { false } }

    /// Only of one that has times.
    func decide(at now: Timestamp, isPreviousOpen: Bool) -> ScheduleDecision {
        guard case .time(let decider) = clockwork else { preconditionFailure("Schedule \(name) has no times") }
        return decider.decide(state, now: now, isPreviousOpen: isPreviousOpen)
    }

    private static func times(
        _ spec: ScheduleSpec, _ trigger: TimeTrigger, _ stored: StoredResource, _ zones: ZoneDatabase
    ) throws(ScheduleProblem) -> Clockwork {
        let cron: CronExpression
        do throws(CalendarParseError) { cron = try CronExpression(parsing: trigger.cron) } catch {
            throw ScheduleProblem(why: "at: \(error)")
        }
        let zone: ZoneRules
        do throws(ZoneError) { zone = try zones.rules(trigger.timeZone) } catch {
            throw ScheduleProblem(why: "timeZone: \(error)")
        }
        return .time(
            ScheduleDecider(
                name: stored.key.name, generation: stored.generation, appliedAt: stored.appliedAt, spec: spec,
                trigger: trigger, cron: cron, zone: zone))
    }
}

extension ScheduleState.LastRun {
    /// Its jobs on each queue, as `RequestPlanner` names them.
    var ids: [String] { jobs > 1 ? (1...min(jobs, RunBounds.largestCount)).map { "\(id).\($0)" } : [id] }
}

/// Why a Schedule cannot be followed, for people.
struct ScheduleProblem: Error, Sendable, Hashable {
    var why: String
}
