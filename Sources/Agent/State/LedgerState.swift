// What the agent knows beyond what it can see: folded from the ledger's entries, one by one, in order.

package import Model

/// A service that this agent started and that should run.
package struct ServiceKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var instance: InstanceID
    package var name: String

    package init(_ instance: InstanceID, _ name: String) {
        self.instance = instance
        self.name = name
    }

    package var field: FieldKey { FieldKey(.service, name) }
    package var description: String { "\(instance)/\(name)" }

    package static func < (left: ServiceKey, right: ServiceKey) -> Bool {
        (left.instance, left.name) < (right.instance, right.name)
    }
}

/// The process of a service, and what it was started from: enough to adopt it, to stop it and to start it again.
package struct ServiceRecord: Sendable, Hashable {
    package var key: ServiceKey
    package var run: ServiceRun
    package var process: ProcessIdentity
    /// The digests with which this process was started and last told to load: those of `run`, or zeros where a file
    /// that it depends on was not in sync.
    package var runDigest: String
    package var loadDigest: String

    package init(key: ServiceKey, run: ServiceRun, process: ProcessIdentity, runDigest: String, loadDigest: String) {
        self.key = key
        self.run = run
        self.process = process
        self.runDigest = runDigest
        self.loadDigest = loadDigest
    }
}

/// How a job ended here.
package struct EndedJob: Sendable, Hashable {
    /// nil: it was done; otherwise why it is dead.
    package var error: String?
    package var output: String
    package var gone: Bool

    package init(error: String?, output: String, gone: Bool) {
        self.error = error
        self.output = output
        self.gone = gone
    }
}

/// How a field came to be this agent's.
package enum Made: String, Sendable, Hashable {
    /// A step made it.
    case step
    /// A folder that was missing above a file or directory.
    case parent
}

package struct LedgerState: Sendable, Hashable {
    package var epoch: Int64 = 0
    package var ended: [String: EndedJob] = [:]
    /// Ids of ended jobs, oldest first.
    package var endedOrder: [String] = []
    /// Open jobs: the step that was begun last, or that started the process, in whatever attempt.
    package var begun: [String: Int] = [:]
    /// Ids of open jobs in the order in which they were begun, oldest first.
    package var begunOrder: [String] = []
    /// The process that this step started last: one for each job, since a job does one thing after the other.
    package var processes: [String: ProcessIdentity] = [:]
    package var made: [InstanceID: [FieldKey: Made]] = [:]
    package var config: [InstanceID: [String: String]] = [:]
    package var services: [ServiceKey: ServiceRecord] = [:]
    package var runs = RunLedger()

    /// How many ended jobs are remembered; the queue redelivers a job within its lease, not after so many others.
    package static let endedJobsKept = 64
    /// How many open jobs are remembered, so that what was abandoned does not pile up; `Executor.mostJobs` run at a time.
    package static let openJobsKept = 64

    package init() {}

    package mutating func apply(_ entry: LedgerEntry) {
        switch entry {
        case .epoch(let epoch): self.epoch = max(self.epoch, epoch)
        case .begun(let job, let step): begin(job, step)
        case .process(let job, let identity): processes[job] = identity
        case .ended(let job, let how): end(job, how)
        case .made(let instance, let key, let how): made[instance, default: [:]][key] = how
        case .unmade(let instance, let key): unmake(instance, key)
        case .config(let instance, let key, let value): setConfig(instance, key, value)
        case .service(let record): services[record.key] = record
        case .serviceGone(let key): services[key] = nil
        case .runBegun(let run, let open): runs.begin(run, open)
        case .runEnded(let run, let how): runs.end(run, how)
        case .forgotten(let instance):
            made[instance] = nil
            config[instance] = nil
        }
    }

    private mutating func begin(_ job: String, _ step: Int) {
        if begun.updateValue(step, forKey: job) == nil { begunOrder.append(job) }
        processes[job] = nil
        if begunOrder.count > Self.openJobsKept, let oldest = begunOrder.first { forget(oldest) }
    }

    private mutating func forget(_ job: String) {
        begunOrder.removeAll { $0 == job }
        begun[job] = nil
        processes[job] = nil
    }

    private mutating func end(_ job: String, _ how: EndedJob) {
        forget(job)
        if ended.updateValue(how, forKey: job) == nil { endedOrder.append(job) }
        if endedOrder.count > Self.endedJobsKept { ended[endedOrder.removeFirst()] = nil }
    }

    private mutating func unmake(_ instance: InstanceID, _ key: FieldKey) {
        made[instance]?[key] = nil
        if made[instance]?.isEmpty == true { made[instance] = nil }
    }

    private mutating func setConfig(_ instance: InstanceID, _ key: String, _ value: String?) {
        config[instance, default: [:]][key] = value
        if config[instance]?.isEmpty == true { config[instance] = nil }
    }

    /// The entries that make this state from nothing: what a compacted ledger holds.
    package var entries: [LedgerEntry] {
        var entries: [LedgerEntry] = [.epoch(epoch)]
        for job in endedOrder { if let how = ended[job] { entries.append(.ended(job: job, how)) } }
        for job in begunOrder {
            guard let step = begun[job] else { continue }
            entries.append(.begun(job: job, step: step))
            if let process = processes[job] { entries.append(.process(job: job, process)) }
        }
        for (instance, fields) in made {
            entries += fields.map { .made(instance, $0.key, $0.value) }
        }
        for (instance, values) in config {
            entries += values.map { .config(instance, key: $0.key, value: $0.value) }
        }
        entries += services.values.map { .service($0) }
        entries += runs.entries
        return entries
    }
}
