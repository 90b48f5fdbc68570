// A command that runs as long as a lease lasts. One thread of its own starts it, waits for it and ends it: it looks at our
// monotonic clock and needs neither Redis nor the threads of Swift concurrency for that.
//
// Guarantees: without `extend` the command's whole process group gets TERM at a margin before the lease ends, and KILL at
// the latest when it ends; where this process dies, the group is ended within the same margin (`Guard.h`).

internal import CLinux
internal import Glibc
internal import Output
internal import Synchronization

final class GuardedCommand: Sendable {
    enum End: Sendable, Hashable {
        /// By itself, or by a signal that was meant for it: its exit code as a shell has it.
        case exited(Int32)
        /// It was ended because the lease was lost.
        case lost
        /// It could not be started: an error number.
        case failed(Int32)
    }

    /// The longest time from TERM to KILL.
    static let longestPatience: Duration = .seconds(5)
    /// How often it is looked whether what was told to end has ended.
    private static let endingTick: Duration = .milliseconds(20)

    private struct Term {
        var endsAt: ContinuousClock.Instant
        var isTaken = false
    }

    private let path: String
    private let arguments: [String]
    private let environment: [String: String]
    private let signals: PassedSignals
    /// How long before the end of the lease the command is told to end.
    private let margin: Duration
    private let term: Mutex<Term>
    /// The thread waits for this and for signals.
    private let bell: Int32

    /// - Parameter leaseEnd: by our clock, counted from before the lease was asked for.
    init(
        path: String, arguments: [String], environment: [String: String], signals: PassedSignals, margin: Duration,
        leaseEnd: ContinuousClock.Instant
    ) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.signals = signals
        self.margin = margin
        term = Mutex(Term(endsAt: leaseEnd))
        bell = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    }

    deinit { close(bell) }

    /// The lease was renewed.
    func extend(until end: ContinuousClock.Instant) { term.withLock { $0.endsAt = max($0.endsAt, end) } }

    /// The lease is somebody else's: the command is ended at once.
    func lose() {
        term.withLock { $0.isTaken = true }
        eventfd_write(bell, 1)
    }

    /// Runs the command to its end.
    func run() async -> End {
        await withCheckedContinuation { continuation in
            let started = startThread { continuation.resume(returning: self.work()) }
            if !started { continuation.resume(returning: .failed(EAGAIN)) }
        }
    }

    private var patience: Duration { min(Self.longestPatience, margin) }

    // MARK: on the thread

    private func work() -> End {
        var guardian = redops_guard()
        let terminal = Self.terminal
        let code = start(&guardian, terminal: terminal)
        guard code == 0 else { return .failed(-code) }
        defer { redops_guard_dismiss(&guardian, terminal) }
        var watch = Watch(group: guardian.pid, hasTerminal: terminal >= 0)
        while true {
            if let end = step(&watch) { return end }
            wait(until: watch.next)
        }
    }

    private func start(_ guardian: inout redops_guard, terminal: Int32) -> Int32 {
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var variables = Self.inherited.filter { variable in !environment.keys.contains { variable.hasPrefix("\($0)=") }
        }
        variables += environment.map { "\($0.key)=\($0.value)" }
        var envp: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        return path.withCString { path in
            argv.withUnsafeMutableBufferPointer { argv in
                envp.withUnsafeMutableBufferPointer { envp in
                    var guarded = redops_guarded(
                        path: path, arguments: argv.baseAddress, environment: envp.baseAddress,
                        patience_ms: Int32(patience.milliseconds), terminal: terminal)
                    return redops_guarded_start(&guarded, &guardian)
                }
            }
        }
    }

    /// What the thread knows of the command.
    private struct Watch {
        let group: pid_t
        let hasTerminal: Bool
        /// Set once it ended.
        var exitCode: Int32?
        /// Set once it was told to end because of the lease.
        var killAt: ContinuousClock.Instant?
        /// When to look again, whatever happens.
        var next: ContinuousClock.Instant = .now
    }

    /// One look at all there is; the end, if that was it.
    private func step(_ watch: inout Watch) -> End? {
        for number in signals.taken() where number != SIGCHLD { Self.send(number, to: watch.group) }
        reap(&watch)
        let term = term.withLock { $0 }
        let now = ContinuousClock.now
        if let killAt = watch.killAt {
            let isGone = watch.exitCode != nil && kill(-watch.group, 0) != 0
            if isGone { return .lost }
            if now >= killAt {
                kill(-watch.group, SIGKILL)
                var status: Int32 = 0
                if watch.exitCode == nil { waitpid(watch.group, &status, 0) }
                return .lost
            }
            watch.next = now + Self.endingTick
            return nil
        }
        if let code = watch.exitCode { return .exited(code) }
        guard term.isTaken || now >= term.endsAt - margin else {
            watch.next = term.endsAt - margin
            return nil
        }
        watch.killAt = term.isTaken ? now + patience : min(now + patience, term.endsAt)
        watch.next = now
        Self.send(SIGTERM, to: watch.group)
        return nil
    }

    private func reap(_ watch: inout Watch) {
        var status: Int32 = 0
        while watch.exitCode == nil, waitpid(watch.group, &status, WNOHANG | WUNTRACED) == watch.group {
            let signal = status & 0x7F
            if status & 0xFF == 0x7F {
                // Ctrl-Z: one that has a lock does not rest on it.
                guard watch.hasTerminal, (status >> 8) & 0xFF == SIGTSTP else { return }
                kill(-watch.group, SIGCONT)
            } else {
                watch.exitCode = signal == 0 ? (status >> 8) & 0xFF : 128 + signal
            }
        }
    }

    private func wait(until end: ContinuousClock.Instant) {
        var events = [signals.descriptor, bell].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let rest = max(.zero, end - .now)
        poll(&events, nfds_t(events.count), Int32(clamping: rest.milliseconds + 1))
        var count: eventfd_t = 0
        eventfd_read(bell, &count)
    }

    private static func send(_ number: Int32, to group: pid_t) {
        kill(-group, number)
        kill(-group, SIGCONT)
    }

    /// The terminal on standard input, if it is ours to give away.
    private static var terminal: Int32 {
        isatty(STDIN_FILENO) == 1 && tcgetpgrp(STDIN_FILENO) == getpgrp() ? STDIN_FILENO : -1
    }

    private static var inherited: [String] {
        var variables: [String] = []
        var next = environ
        while let text = next.pointee {
            variables.append(String(cString: text))
            next += 1
        }
        return variables
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}

/// Runs the body on a thread of its own; false if there can be none.
private func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    let code = pthread_create(
        &thread, nil,
        { context in
            guard let context else { return nil }
            Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body()
            return nil
        }, box.toOpaque())
    guard code == 0 else {
        box.release()
        return false
    }
    pthread_detach(thread)
    return true
}
