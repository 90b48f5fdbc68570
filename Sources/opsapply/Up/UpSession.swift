// One run of `up`, from an empty folder (or a kept one) to the last process gone.

internal import ArgumentParser
internal import Glibc
internal import JSON
internal import Manifests
internal import Model
internal import Output
internal import Programs
internal import Store
internal import Synchronization

struct UpSession {
    /// An agent stops its services first, and each of them has its own time for that.
    private static let agentPatience = Duration.seconds(20)
    private static let patience = Duration.seconds(5)
    /// How long Redis may take to read what it kept.
    private static let redisPatience = Duration.seconds(60)
    /// How long everything must be Ready at once.
    private static let steady = Duration.milliseconds(500)
    /// How often it looks for Servers that were applied since.
    private static let serverPoll = Duration.seconds(1)

    private let command: Up
    private let files: ManifestReading?
    private let paths: UpPaths
    private let programs: UpPrograms
    private let supervisor: Supervisor

    init(_ command: Up) throws {
        self.command = command
        // Everything that can be refused is refused before anything is started.
        files = command.files.isEmpty ? nil : try Desired.files(command.files)
        programs = try UpPrograms()
        let paths = try UpPaths(command.state)
        self.paths = paths
        try paths.takeLock()
        unlink(paths.pids)
        let record = ProcessRecord(paths: paths)
        supervisor = try Supervisor(restarts: command.restarts) { record.write($0) }
    }

    func run() async throws {
        let result: Result<Void, any Error>
        do {
            try await bringUpAndWatch()
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await shutDown()
        try result.get()
    }

    private func bringUpAndWatch() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await supervisor.watch() }
            group.addTask { try await bringUp() }
            try await group.next()
            group.cancelAll()
            while true {
                do { if try await group.next() == nil { return } } catch {}
            }
        }
    }

    /// Ends only by an error or a cancellation.
    private func bringUp() async throws {
        try await startRedis()
        let options = try StoreOptions.parse(["--redis", paths.url, "--prefix", command.prefix])
        try await options.withStore(patience: Self.redisPatience) { store in
            let start = try await store.now()
            let targets = try await apply(store)
            try await startAgents(store)
            for number in 1...command.controllers {
                try await supervisor.start(programs.controller("controller-\(number)", paths, command))
            }
            Console.out("export OPS_REDIS_URL=\(paths.url)\n")
            if command.prefix != "ops" { Console.out("export OPS_PREFIX=\(command.prefix)\n") }
            if command.waits { await wait(targets, since: start, store) }
            Console.note(
                "\(await supervisor.children.count) processes are up; Ctrl-C ends them all; logs are in \(paths.logs)")
            while true {
                try await Task.sleep(for: Self.serverPoll)
                // Redis may be away for a moment: what was applied meanwhile is seen next time.
                do { try await startAgents(store) } catch is StoreError {}
            }
        }
    }

    private func startRedis() async throws {
        unlink(paths.socket)
        try await supervisor.start(programs.redis(paths))
        let end = ContinuousClock.now + .seconds(10)
        while !UnixSocket.accepts(paths.socket) {
            guard await supervisor.isRunning("redis"), ContinuousClock.now < end else {
                throw CommandFailure("redis-server did not start: see \(paths.log(of: "redis"))")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        Console.note("redis-server listens at \(paths.socket)")
    }

    private func apply(_ store: any OperationsStore) async throws -> [WaitTarget] {
        let known = try await Desired.stored(store)
        let now = try await store.now()
        var targets = known.readable.filter { $0.key.kind.hasInstances && !$0.manifest.isSuspended(at: now) }
            .map { WaitTarget(key: $0.key, generation: $0.stored.generation, leavesSuspended: true) }
        guard let files else { return targets }
        let given = try Desired.given(files, among: known.readable)
        let drafts = given.resources.map { $0.draft(by: Person.current, expectedGeneration: nil) }
        let application = Application(
            store: store, drafts: drafts, known: known.readable, confirmRemoval: false, pruned: nil)
        let applied = try await application.write()
        let keys = Set(applied.map(\.key))
        targets =
            targets.filter { !keys.contains($0.key) } + Waiting.unsuspended(applied, among: given.resources, at: now)
        return targets.sorted { $0.key < $1.key }
    }

    /// An agent for each Server on a loopback address that has none yet.
    private func startAgents(_ store: any OperationsStore) async throws {
        for resource in try await store.resources(.server) {
            guard let spec = (try? Desired.read(resource))?.manifest.server, Self.isLoopback(spec.address) else {
                continue
            }
            let name = resource.key.name
            guard await supervisor.children["agent-\(name)"] == nil else { continue }
            try UpPaths.makeFolder(paths.root(of: name))
            try UpPaths.makeFolder(paths.agentState(of: name))
            try await supervisor.start(programs.agent(name, paths, command))
        }
    }

    /// An address in 127.0.0.0/8.
    private static func isLoopback(_ address: String) -> Bool {
        let parts = address.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return parts.count == 4 && parts[0] == 127 && parts.allSatisfy { $0 != nil }
    }

    /// What is not Ready in time is told; the processes stay up, so that it can be looked at.
    private func wait(_ targets: [WaitTarget], since start: Timestamp, _ store: any OperationsStore) async {
        do {
            try await waitForReports(since: start, store)
            try await Waiting(store: store, targets: targets, steady: Self.steady).run(
                timeout: command.timeout.duration)
        } catch let failure as CommandFailure {
            for line in failure.lines { Console.note(line) }
        } catch {}
    }

    /// A kept state says what was true when the last `up` ended: it counts only after every agent has reported again.
    private func waitForReports(since start: Timestamp, _ store: any OperationsStore) async throws {
        let names = await supervisor.children.keys.compactMap { $0.hasPrefix("agent-") ? String($0.dropFirst(6)) : nil }
        let end = ContinuousClock.now + Self.patience
        while ContinuousClock.now < end {
            let observed = try await store.observedServers(names)
            if observed.allSatisfy({ $0.reportedAt.map { $0 >= start } ?? false }) { return }
            try await Task.sleep(for: Waiting.pollInterval)
        }
    }

    // MARK: the end

    private func shutDown() async {
        Console.note("stopping")
        let names = await supervisor.children.keys.sorted()
        await supervisor.stop(names.filter { $0.hasPrefix("agent-") }, patience: Self.agentPatience)
        await supervisor.stop(names.filter { $0.hasPrefix("controller-") }, patience: Self.patience)
        await supervisor.stopOrphans(patience: Self.patience)
        await supervisor.stop(["redis"], patience: Self.patience)
        unlink(paths.pids)
        unlink(paths.socket)
        Console.note("all processes are stopped; the state is kept in \(paths.folder)")
    }
}
