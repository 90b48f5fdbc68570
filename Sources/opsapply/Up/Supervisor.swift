// The children of `up`: started, started again a second after they died, and stopped in order. It is the reaper of all
// orphans below it, so that a service whose agent is gone is seen, and ended at the end.

internal import CLinux
internal import Glibc
internal import Output

actor Supervisor {
    /// How often it looks at signals and children; also how long an ended child stays a zombie at most.
    static let tick = Duration.milliseconds(20)
    static let restartAfter = Duration.seconds(1)

    struct Child {
        var spec: ChildSpec
        /// nil: it died.
        var pid: pid_t?
        var startAgainAt: ContinuousClock.Instant?
    }

    private let nursery: Nursery
    private let signals: Int32
    private let restarts: Bool
    private let changed: @Sendable ([String: Child]) -> Void
    private(set) var children: [String: Child] = [:]
    private var isStopping = false
    private var signalsSeen = 0

    /// - Parameter changed: called whenever a child was started or died.
    init(restarts: Bool, changed: @escaping @Sendable ([String: Child]) -> Void) throws(CommandFailure) {
        self.restarts = restarts
        self.changed = changed
        let code = redops_become_subreaper()
        guard code == 0 else { throw CommandFailure("cannot become the reaper of orphans: \(systemText(code))") }
        signals = redops_watch_signals([SIGINT, SIGTERM, SIGHUP], 3)
        guard signals >= 0 else { throw CommandFailure("cannot watch for signals: \(systemText(-signals))") }
        nursery = try Nursery()
    }

    func start(_ spec: ChildSpec) async throws(CommandFailure) {
        guard !isStopping, children[spec.name]?.pid == nil else { return }
        children[spec.name] = Child(spec: spec)
        let pid = try await nursery.start(spec)
        children[spec.name]?.pid = pid
        changed(children)
    }

    func isRunning(_ name: String) -> Bool { children[name]?.pid != nil }

    /// Watches over the children until a signal asks to end.
    func watch() async throws {
        while !interrupted() {
            for (name, how) in reap() { settle(name, how) }
            try await startDue()
            try await Task.sleep(for: Self.tick)
        }
    }

    private func settle(_ name: String, _ how: String) {
        guard restarts, !isStopping else {
            Console.note("\(name) \(how)")
            return
        }
        Console.note("\(name) \(how); starting it again in \(Self.restartAfter.age)")
        children[name]?.startAgainAt = .now + Self.restartAfter
    }

    private func startDue() async throws(CommandFailure) {
        let due = children.values.filter { $0.startAgainAt.map { $0 <= .now } ?? false }
        for child in due {
            children[child.spec.name]?.startAgainAt = nil
            try await start(child.spec)
        }
    }

    /// Whether SIGINT, SIGTERM or SIGHUP came since it was last asked.
    private func interrupted() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(signals, &bytes, bytes.count)
        if count > 0 { signalsSeen += count }
        return count > 0
    }

    /// Collects every ended process, orphans too; answers which children it was.
    private func reap() -> [(name: String, how: String)] {
        var ended: [(name: String, how: String)] = []
        var status: Int32 = 0
        while true {
            let pid = waitpid(-1, &status, WNOHANG)
            guard pid > 0 else { break }
            guard let name = children.first(where: { $0.value.pid == pid })?.key else { continue }
            children[name]?.pid = nil
            ended.append((name, "(pid \(pid)) \(Self.words(status))"))
        }
        if !ended.isEmpty { changed(children) }
        return ended
    }

    private static func words(_ status: Int32) -> String {
        let signal = status & 0x7F
        return signal == 0 ? "ended with exit code \((status >> 8) & 0xFF)" : "was killed by signal \(signal)"
    }
}

// MARK: the end

extension Supervisor {
    /// Stops children: TERM, then after `patience` (or at a further signal) KILL. One that is stopped is continued, so
    /// that it can act on its TERM.
    func stop(_ names: [String], patience: Duration) async {
        isStopping = true
        var open = names.filter { children[$0]?.pid != nil }
        send(SIGTERM, to: open)
        send(SIGCONT, to: open)
        let end = ContinuousClock.now + patience
        while !open.isEmpty {
            _ = reap()
            open = open.filter { children[$0]?.pid != nil }
            if open.isEmpty { return }
            if interrupted() || ContinuousClock.now > end {
                Console.note("\(listed(open)) did not stop in time: killed")
                send(SIGKILL, to: open)
                await collect(open)
                return
            }
            await pause()
        }
    }

    /// Ends what descendants left behind: services whose agent could not stop them any more.
    func stopOrphans(patience: Duration) async {
        let end = ContinuousClock.now + patience
        var asked: Set<pid_t> = []
        while true {
            _ = reap()
            let known = Set(children.values.compactMap(\.pid))
            let orphans = Self.ownChildren().filter { !known.contains($0) }
            if orphans.isEmpty { return }
            let isLate = ContinuousClock.now > end
            for pid in orphans {
                if isLate { kill(pid, SIGKILL) }
                guard asked.insert(pid).inserted else { continue }
                kill(pid, SIGTERM)
                kill(pid, SIGCONT)
            }
            if ContinuousClock.now > end + Self.lastPatience { return }
            await pause()
        }
    }

    /// A killed process that does not go in this time hangs in the kernel: nothing more can be done.
    private static let lastPatience = Duration.seconds(5)

    private func collect(_ names: [String]) async {
        let end = ContinuousClock.now + Self.lastPatience
        while ContinuousClock.now < end {
            _ = reap()
            if names.allSatisfy({ children[$0]?.pid == nil }) { return }
            await pause()
        }
    }

    private func send(_ signal: Int32, to names: [String]) {
        for name in names { if let pid = children[name]?.pid { kill(pid, signal) } }
    }

    /// Goes on though the task around it may be cancelled.
    private func pause() async {
        await withCheckedContinuation { continuation in
            Task { [tick = Self.tick] in
                try? await Task.sleep(for: tick)
                continuation.resume()
            }
        }
    }

    /// The processes whose parent is this one, by /proc.
    private static func ownChildren() -> [pid_t] {
        guard let folder = opendir("/proc/self/task") else { return [] }
        defer { closedir(folder) }
        var pids: [pid_t] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name != ".", name != "..", let file = fopen("/proc/self/task/\(name)/children", "re") else {
                continue
            }
            defer { fclose(file) }
            var text: [CChar] = .init(repeating: 0, count: 65_536)
            let count = fread(&text, 1, text.count, file)
            let bytes = text.prefix(count).map { UInt8(bitPattern: $0) }
            pids += String(decoding: bytes, as: UTF8.self).split(separator: " ").compactMap { pid_t($0) }
        }
        return pids
    }
}
