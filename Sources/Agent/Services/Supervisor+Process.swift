// The processes of services: start, stop, reload, and what happens when one ends by itself. All of it runs under the
// service's `operation` lock, on threads that may wait.

internal import CLinux
internal import Glibc
internal import Model
internal import Synchronization

extension Supervisor {
    /// A log of more than this is moved aside, once: `<name>.log.1`.
    static let longestLog: Int64 = 1 << 20

    @discardableResult
    func start(
        _ service: ManagedService, _ run: ServiceRun, runDigest: String
    ) throws(StepError) -> ProcessHandle {
        let key = service.key
        // Asked under the service's lock: what begins later is begun by nobody, what began before is ended.
        guard !isClosed.load(ordering: .acquiring) else { throw .cancelled }
        let output = try openLog(key)
        let program = Program(
            command: run.spec.command, environment: run.spec.environment,
            directory: run.spec.directory.map { root.literalPath($0) }, user: run.spec.user)
        var record: ServiceRecord?
        let child = try ChildProcess.start(program, names: names, output: output) { identity throws(StepError) in
            let new = ServiceRecord(
                key: key, run: run, process: identity, runDigest: runDigest, loadDigest: run.load)
            try ledger.append([.service(new)])
            record = new
        }
        guard let record else { preconditionFailure("what has begun was written down") }
        let handle = child.handle
        service.state.withLock { state in
            state.record = record
            state.handle = handle
            state.value = Self.running(record)
            state.stopping = false
            state.startedAt = .now
            state.restartAt = nil
        }
        watch(handle, key)
        return handle
    }

    /// A process that ends within the first moments did not start, whoever notes its end first.
    func expectAlive(_ service: ManagedService, _ handle: ProcessHandle) throws(StepError) {
        guard handle.waitForEnd(until: .now + Self.startPatience) else { return }
        _ = noteEnd(service)
        let value = service.state.withLock { $0.value }
        throw .failed("\(service.key.name) \(value) right after its start\(lastLine(service.key))")
    }

    /// Ends the process and its session; the record stays. A process that does not end stays this service's: nothing may be
    /// started beside it.
    func stop(_ service: ManagedService, patience: Duration) throws(StepError) {
        let (handle, record) = service.state.withLock { state in
            state.stopping = true
            return (state.handle, state.record)
        }
        if let handle {
            guard end(handle, patience) else {
                service.state.withLock { $0.stopping = false }
                throw .failed("\(service.key.name) does not end: process \(handle.identity.pid) was sent KILL")
            }
            _ = handle.exit()
        } else if let record {
            ProcessStop.endSession(of: record.process)
        }
        service.state.withLock { state in
            state.handle = nil
            state.value = FieldValue.stopped
            state.stopping = false
            state.restartAt = nil
        }
    }

    func reload(
        _ service: ManagedService, _ record: ServiceRecord, _ run: ServiceRun, _ reload: ServiceSpec.Reload,
        _ giveUp: GiveUp
    ) throws(StepError) {
        switch reload {
        case .signal(let name):
            guard let number = SignalNames.number(name) else { throw .impossible("there is no signal \(name)") }
            service.state.withLock { $0.handle }?.signal(number)
        case .command(let command): try runReload(command, run, giveUp)
        }
        var changed = record
        changed.run = run
        changed.loadDigest = run.load
        try ledger.append([.service(changed)])
        service.state.withLock { state in
            state.record = changed
            if state.handle != nil { state.value = Self.running(changed) }
        }
    }

    /// How long a reload command may take.
    private static let reloadPatience: Duration = .seconds(30)

    private func runReload(_ command: [String], _ run: ServiceRun, _ giveUp: GiveUp) throws(StepError) {
        let program = Program(
            command: command, environment: run.spec.environment,
            directory: run.spec.directory.map { root.literalPath($0) }, user: run.spec.user)
        let runner = CommandRun(
            names: names, outputPath: nil, deadline: .now + Self.reloadPatience, giveUp: giveUp)
        let end = try runner.run(program) { _ in }
        guard end == .ended(.exited(0)) else { throw .failed("the reload command \(command[0]) failed: \(end)") }
    }

    // MARK: ended by itself

    /// Notes that a process has ended. Returns its value and how long to wait before it is started again, or nil if it
    /// still runs or its end was wanted.
    package func noteEnd(_ key: ServiceKey) -> (value: String, restartAfter: Duration)? {
        known(key).flatMap { noteEnd($0) }
    }

    func noteEnd(_ service: ManagedService) -> (value: String, restartAfter: Duration)? {
        service.state.withLock { state in
            guard let handle = state.handle, !state.stopping, let exit = handle.exit() else { return nil }
            state.handle = nil
            state.value = exit.value
            let wait = state.backoff.next(ranFor: .now - state.startedAt)
            state.restartAt = .now + wait
            return (exit.value, wait)
        }
    }

    /// Starts a service again that ended by itself, unless a step is at it or has done it. `inSync` says whether the files
    /// that it depends on are as desired: if not, it runs with a digest of zeros, so that it is restarted after their
    /// repair. Returns when to try again if it could not be started, and why it could not.
    package func restart(_ key: ServiceKey, inSync: Bool) -> NotStarted? {
        guard let service = known(key) else { return nil }
        let result: NotStarted?? = service.operation.withLockIfAvailable { _ in
            let (record, alive) = service.state.withLock { ($0.record, $0.handle != nil) }
            guard let record, !alive else { return nil }
            ProcessStop.endSession(of: record.process)
            do throws(StepError) {
                try start(service, record.run, runDigest: inSync ? record.run.run : Self.noDigest)
                return nil
            } catch {
                if error == .cancelled { return nil }
                return service.state.withLock { state in
                    let wait = max(.seconds(1), state.backoff.next(ranFor: .zero))
                    state.restartAt = .now + wait
                    return NotStarted(wait: wait, why: error.text)
                }
            }
        }
        // A step holds it: look again later, in case that it does not start it.
        guard let result else { return NotStarted(wait: .seconds(1), why: nil) }
        return result
    }

    package struct NotStarted: Sendable {
        package var wait: Duration
        /// nil if a step is at it.
        package var why: String?
    }

    /// How long after its time a restart is taken as not coming: the job that was to do it has failed.
    private static let restartPatience: Duration = .seconds(5)

    /// Services that ended without anybody having heard of it, or that nobody has started again though it was time.
    package func neglected(at now: ContinuousClock.Instant) -> [ServiceKey] {
        keys.filter { isNeglected($0, at: now) }
    }

    package func isNeglected(_ key: ServiceKey, at now: ContinuousClock.Instant) -> Bool {
        known(key)?.state.withLock { state in
            guard state.record != nil, !state.stopping else { return false }
            if let handle = state.handle { return handle.waitForEnd(until: now) }
            return state.restartAt.map { $0 + Self.restartPatience < now } ?? false
        } ?? false
    }

    // MARK: the log

    private func openLog(_ key: ServiceKey) throws(StepError) -> OpenFile {
        let path = try state.serviceLog(key)
        boundLog(path)
        do throws(SystemError) {
            return try OpenFile.open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o640)
        } catch let error {
            throw error.step
        }
    }

    /// Copies a log that has become too long aside and empties it: its writer keeps it open and appends.
    package func boundLogs() {
        for key in keys { if let path = try? state.serviceLog(key) { boundLog(path) } }
    }

    private func boundLog(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0, Int64(status.st_size) > Self.longestLog else { return }
        guard let file = try? OpenFile.open(path, O_RDWR | O_APPEND) else { return }
        lseek(file.number, max(0, off_t(status.st_size) - off_t(Self.longestLog)), SEEK_SET)
        let tail = (try? file.readAll(limit: Int(Self.longestLog))) ?? []
        ftruncate(file.number, 0)
        try? StateFolder.replace(path + ".1", with: tail)
    }

    /// `: <the last line that it wrote>`, for an error message.
    private func lastLine(_ key: ServiceKey) -> String {
        guard let path = try? state.serviceLog(key), let bytes = readSmallFile(path, limit: 4 << 20) else { return "" }
        let lines = bytes.suffix(2048).split(separator: UInt8(ascii: "\n"))
        guard let last = lines.last else { return "" }
        return ": " + String(decoding: last.prefix(300), as: UTF8.self)
    }
}
