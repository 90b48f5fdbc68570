// Keeps the table of observed values true: it looks when the watcher says that something happened, when a check is due,
// when an assignment is new, and once a minute at everything.
//
// All looking that takes no time is done on one thread, in order: a value that is noted later was seen later. What may
// take time (checks, proofs by command) has threads of its own.

package import Logging
package import Model
internal import Store
internal import Synchronization

package final class Observer: Sendable {
    /// The backstop: everything is looked at this often.
    static let sweepInterval: Duration = .seconds(60)
    /// How often the logs of services are held to their bound.
    private static let logInterval: Duration = .seconds(10)
    /// Every so many sweeps all files are read again, whatever their times say.
    private static let sweepsPerFullRead = 60
    /// Every so many sweeps the store is told everything again, whatever it was told: somebody may have edited it there.
    private static let sweepsPerFullReport = 10
    private static let probeThreads = 4
    private static let restartThreads = 2

    let drivers: Drivers
    let table: ObservedTable
    let reporter: Reporter
    let watcher: Watcher
    let log: Logger
    private let eyes = Eyes(patience: Eyes.patience)
    private let probes = WorkerPool(name: "probe", maximum: Observer.probeThreads)
    let hands = WorkerPool(name: "restart", maximum: Observer.restartThreads)
    private let schedule = Mutex(HealthSchedule())
    /// What is on the disk.
    private let saved = Mutex<[Assignment]>([])
    private let healthAlarm = Alarm()

    var machine: Machine { drivers.machine }

    package init(drivers: Drivers, table: ObservedTable, reporter: Reporter, watcher: Watcher, log: Logger) {
        self.drivers = drivers
        self.table = table
        self.reporter = reporter
        self.watcher = watcher
        self.log = log
    }

    // MARK: assignments

    /// Takes what this server is asked to observe now; returns when the first look at all of it is in the table.
    /// `confirmed`: they come from the store, and not from an earlier life of this agent; reports may begin.
    package func assign(_ assignments: [Assignment], confirmed: Bool) async {
        let new = table.assign(assignments, confirmed: confirmed)
        // What the table took, which may be newer than what the store says.
        let taken = table.assignments
        let isNews = saved.withLock { saved in
            defer { saved = taken }
            return saved != taken
        }
        if isNews, confirmed { save(taken) }
        watcher.watch(Self.tree(of: taken))
        schedule.withLock { $0.assign(taken, now: .now) }
        healthAlarm.ring()
        await look(at: new)
    }

    private func save(_ assignments: [Assignment]) {
        do throws(StepError) {
            try machine.state.saveAssignments(assignments)
        } catch {
            log.warning("the assignments could not be written down", metadata: ["reason": "\(error.text)"])
        }
    }

    private static func tree(of assignments: [Assignment]) -> WatchTree {
        var files: Set<String> = []
        var folders: Set<String> = []
        for field in assignments.flatMap(\.fields) {
            switch field.key.kind {
            case .file: files.insert(field.key.name)
            case .directory: folders.insert(field.key.name)
            case .package: files.insert(DpkgStatus.path)
            default: break
            }
        }
        return WatchTree(files: files, folders: folders)
    }

    // MARK: looking

    /// Looks at whole instances.
    func look(at ids: [InstanceID]) async {
        guard !ids.isEmpty else { return }
        await eyes.look { [self] glance in
            let reader = drivers.reader()
            for id in ids where glance.isPresent {
                noteLeftovers(of: id)
                observe(table.targets(of: id), of: id, complete: true, reader, glance)
            }
        }
        reporter.wake()
    }

    /// Looks at some fields of one instance.
    package func look(at keys: Set<FieldKey>, of id: InstanceID) async {
        await eyes.look { [self] glance in
            noteLeftovers(of: id)
            let targets = table.targets(of: id).filter { keys.contains($0.key) }
            observe(targets, of: id, complete: false, drivers.reader(), glance)
        }
    }

    /// On the eyes' thread.
    private func observe(
        _ targets: [FieldTarget], of id: InstanceID, complete: Bool, _ reader: PathReader, _ glance: Glance
    ) {
        var values: [FieldKey: String?] = [:]
        for target in targets {
            if let spec = target.spec, HealthSchedule.interval(of: spec) != nil {
                let isNew = table.value(of: target.key, in: id) == nil
                if isNew, target.key.kind == .health { values[target.key] = FieldValue.unknown }
                continue
            }
            let value = glance.value(of: target) { drivers.observe(target, reader: reader) }
            let isGone = target.spec == nil && (value == FieldValue.absent || value == FieldValue.stopped)
            values.updateValue(isGone ? nil : value, forKey: target.key)
        }
        if glance.isPresent { table.update(values, of: id, complete: complete) }
    }

    /// What was made for this instance and is not assigned any more is reported with it, so that it can be taken back.
    private func noteLeftovers(of id: InstanceID) {
        let made = machine.ledger.read { state -> Set<FieldKey> in
            var keys = Set((state.made[id] ?? [:]).filter { $0.value == .step }.keys)
            keys.formUnion((state.config[id] ?? [:]).keys.map { FieldKey(.config, $0) })
            keys.formUnion(state.services.keys.filter { $0.instance == id }.map(\.field))
            return keys
        }
        table.setLeftovers(made.filter { table.spec(of: $0, in: id) == nil }, of: id)
    }

    /// A look that was made elsewhere, by a step at its own proof.
    package func note(_ value: String, for key: FieldKey, of id: InstanceID) {
        table.update([key: value], of: id)
    }

    /// Something was done to this instance: its checks are due soon.
    package func hurryChecks(of id: InstanceID) {
        schedule.withLock { $0.hurry(id, now: .now) }
        healthAlarm.ring()
    }

    // MARK: services

    /// The processes that are this instance's services now.
    func services(of id: InstanceID) -> [ServiceRecord] {
        machine.supervisor.keys.filter { $0.instance == id }.compactMap { machine.supervisor.record($0) }
    }

    /// Watches, sweeps, checks and reports until it is cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.watchChanges() }
            group.addTask { await self.watchEnds() }
            group.addTask { await self.sweep() }
            group.addTask { await self.check() }
            group.addTask { await self.reporter.run() }
        }
    }

    private func sweep() async {
        var ticks = 0
        let ticksPerSweep = Int(Self.sweepInterval / Self.logInterval)
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.logInterval)
            ticks += 1
            await hands.run { self.machine.supervisor.boundLogs() }
            remindOfServices()
            guard ticks % ticksPerSweep == 0 else { continue }
            watcher.renew()
            if ticks % (ticksPerSweep * Self.sweepsPerFullRead) == 0 { machine.digests.forgetAll() }
            if ticks % (ticksPerSweep * Self.sweepsPerFullReport) == 0 { table.forgetAllReported() }
            await hands.run { [machine] in
                machine.state.removeOutputs { machine.ledger.read { Array($0.begun.keys) } }
            }
            await look(at: table.instances)
            reporter.wake()
        }
    }

    /// Ends that were not heard of, and restarts that did not come about.
    package func remindOfServices() {
        for key in machine.supervisor.neglected(at: .now) { watcher.remind(key) }
    }

    /// One full look at everything; the measure of a sweep.
    package func sweepOnce() async { await look(at: table.instances) }

    private func check() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                for target in schedule.withLock({ $0.take(now: .now) }) {
                    group.addTask { await self.check(target) }
                }
                await healthAlarm.wait(until: schedule.withLock { $0.nextDue })
            }
        }
    }

    private func check(_ target: FieldTarget) async {
        let doubts = table.doubts(of: target.instance)
        let before = table.value(of: target.key, in: target.instance)
        let seen = await probes.runUnlessCancelled { [drivers] in
            drivers.observe(target, reader: drivers.reader())
        }
        guard let seen else { return }
        var value = seen
        if target.key.kind == .health {
            if table.doubts(of: target.instance) != doubts { value = FieldValue.unknown }
        } else if let now = table.value(of: target.key, in: target.instance), now != before {
            // A job has done its work meanwhile, and looked later than this.
            value = now
        }
        schedule.withLock { $0.finish(target, value: value, now: .now) }
        if table.spec(of: target.key, in: target.instance) == target.spec {
            table.update([target.key: value], of: target.instance)
            reporter.wake()
        }
        healthAlarm.ring()
    }
}
