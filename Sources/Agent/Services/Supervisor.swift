// Starts services, each in a session of its own so that it outlives this agent, and stays with them: an agent that comes
// later finds them again by pid, start time and boot, from the ledger.
//
// Guarantees: at most one process of a service runs, whatever is killed when (the child waits until the ledger has its
// pid); ending a service ends its whole session; a service that ends by itself is noticed at once through its pidfd.

internal import CLinux
internal import Glibc
package import Model
internal import Synchronization

package final class Supervisor: Sendable {
    /// A start step waits this long to see whether the process ends at once.
    static let startPatience: Duration = .milliseconds(100)
    /// `ServiceRun.run` of a process whose files were not in sync when it was started.
    package static let noDigest = "000000000000"

    let root: RootFolder
    let state: StateFolder
    let ledger: Ledger
    let names: OwnerNames
    /// Told of every process that is to be watched, once.
    let watch: @Sendable (ProcessHandle, ServiceKey) -> Void
    /// Ends a process with all that it started, and says whether it ended.
    let end: @Sendable (_ process: ProcessHandle, _ patience: Duration) -> Bool
    /// Set once all services are to end: none is started after that.
    let isClosed = Atomic(false)
    private let services = Mutex<[ServiceKey: ManagedService]>([:])

    package convenience init(
        root: RootFolder, state: StateFolder, ledger: Ledger, names: OwnerNames,
        watch: @escaping @Sendable (ProcessHandle, ServiceKey) -> Void
    ) {
        self.init(root: root, state: state, ledger: ledger, names: names, watch: watch) {
            ProcessStop.stop($0, patience: $1)
        }
    }

    /// With another way of ending: a test's process that cannot be killed.
    package init(
        root: RootFolder, state: StateFolder, ledger: Ledger, names: OwnerNames,
        watch: @escaping @Sendable (ProcessHandle, ServiceKey) -> Void,
        end: @escaping @Sendable (_ process: ProcessHandle, _ patience: Duration) -> Bool
    ) {
        self.root = root
        self.state = state
        self.ledger = ledger
        self.names = names
        self.watch = watch
        self.end = end
    }

    /// All services that should run.
    package var keys: [ServiceKey] { services.withLock { Array($0.keys) }.sorted() }

    func service(_ key: ServiceKey) -> ManagedService {
        services.withLock { services in
            if let known = services[key] { return known }
            let service = ManagedService(key)
            services[key] = service
            return service
        }
    }

    /// A service that there is.
    func known(_ key: ServiceKey) -> ManagedService? { services.withLock { $0[key] } }

    /// Finds the services of an earlier life again. Returns those whose process is gone: they are to be started.
    package func adopt() -> [ServiceKey] {
        ledger.state.services.values.sorted { $0.key < $1.key }.compactMap { record in
            let service = service(record.key)
            let handle = ProcessTable.runs(record.process) ? ProcessHandle(record.process) : nil
            service.state.withLock { state in
                state.record = record
                state.handle = handle
                state.value = handle == nil ? FieldValue.stopped : Self.running(record)
            }
            guard let handle else { return record.key }
            watch(handle, record.key)
            return nil
        }
    }

    /// The observed value. A process that has just ended reads as ended, whether or not its end was handled yet.
    package func value(_ key: ServiceKey) -> String {
        guard let service = services.withLock({ $0[key] }) else { return FieldValue.stopped }
        return service.state.withLock { $0.value }
    }

    package func record(_ key: ServiceKey) -> ServiceRecord? {
        services.withLock { $0[key] }?.state.withLock { $0.record }
    }

    static func running(_ record: ServiceRecord) -> String {
        FieldValue.running(run: record.runDigest, load: record.loadDigest)
    }

    // MARK: what steps ask for

    /// Makes the service run as given. With equal digests nothing is done; with a different load only a reload, if there
    /// is one; otherwise it is started anew.
    package func ensure(_ key: ServiceKey, _ run: ServiceRun, giveUp: GiveUp) throws(StepError) {
        let service = service(key)
        try Self.locked(service) { () throws(StepError) in
            let (record, alive) = service.state.withLock { ($0.record, $0.handle != nil) }
            guard let record, alive else { return try startFromStep(service, run) }
            if record.runDigest == run.run, record.loadDigest == run.load { return }
            if record.runDigest == run.run, let reload = run.spec.reload {
                return try self.reload(service, record, run, reload, giveUp)
            }
            try stop(service, patience: run.spec.stopTimeout)
            try expectAlive(service, try start(service, run, runDigest: run.run))
        }
    }

    private func startFromStep(_ service: ManagedService, _ run: ServiceRun) throws(StepError) {
        let (waiting, same, value) = service.state.withLock { state in
            (state.restartAt.map { $0 - .now }, state.record?.run == run, state.value)
        }
        if let waiting, same, waiting > .zero {
            throw .later("\(service.key.name) \(value); it is started again after a wait", after: waiting)
        }
        if !same { service.state.withLock { $0.backoff.reset() } }
        try expectAlive(service, try start(service, run, runDigest: run.run))
    }

    /// Ends the service and starts it as it was: somebody wants it anew.
    func startAnew(_ key: ServiceKey) throws(StepError) {
        guard let service = known(key) else { throw .impossible("there is no service \(key.name) here") }
        try Self.locked(service) { () throws(StepError) in
            guard let record = service.state.withLock({ $0.record }) else {
                throw .impossible("there is no service \(key.name) here")
            }
            try stop(service, patience: record.run.spec.stopTimeout)
            service.state.withLock { $0.backoff.reset() }
            try expectAlive(service, try start(service, record.run, runDigest: record.runDigest))
        }
    }

    /// Ends the service and forgets it.
    package func remove(_ key: ServiceKey) throws(StepError) {
        let service = service(key)
        try Self.locked(service) { () throws(StepError) in
            try stop(service, patience: service.state.withLock { $0.record?.run.spec.stopTimeout } ?? .seconds(10))
            try ledger.append([.serviceGone(key)])
            service.state.withLock { state in
                state.record = nil
                state.restartAt = nil
            }
            if let log = try? state.serviceLog(key) { unlink(log) }
        }
        _ = services.withLock { $0.removeValue(forKey: key) }
    }

    /// Ends every service, all at once, and keeps their records: the next life of this agent starts them again, this one
    /// none any more.
    package func stopAll() async {
        isClosed.store(true, ordering: .releasing)
        await withTaskGroup { group in
            for key in keys {
                let pool = WorkerPool(name: "stop", maximum: 1)
                group.addTask { await pool.run { self.stopOnExit(key) } }
            }
        }
    }

    private func stopOnExit(_ key: ServiceKey) {
        let service = service(key)
        service.operation.withLock { _ in
            // One that does not end is found again by the next life.
            try? stop(service, patience: service.state.withLock { $0.record?.run.spec.stopTimeout } ?? .seconds(10))
        }
    }

    static func locked(
        _ service: ManagedService, _ body: () throws(StepError) -> Void
    ) throws(StepError) {
        let result: Result<Void, StepError> = service.operation.withLock { _ in
            do throws(StepError) {
                return .success(try body())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }
}
