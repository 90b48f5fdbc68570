// One thread that starts every child and stays for as long as this process does. The kernel sends a child its death signal
// when the *thread* that started it ends, and threads of the concurrency pool come and go.

internal import Glibc
internal import Output
internal import Synchronization

/// A child to be.
struct ChildSpec: Sendable {
    var name: String
    var arguments: [String]
    /// Standard output and error, appended.
    var log: String
    /// The signal that the child gets if this process dies without a chance to stop it: `TERM`, `KILL`.
    var deathSignal: String
}

/// Starts children, all on one thread.
final class Nursery: Sendable {
    private typealias Reply = CheckedContinuation<Result<pid_t, CommandFailure>, Never>

    private let orders = Mutex<[(ChildSpec, Reply)]>([])
    /// A pipe's writing and reading end: a byte for each order.
    private let bell: (ring: Int32, hear: Int32)

    init() throws(CommandFailure) {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw CommandFailure("cannot make a pipe: \(systemText(errno))") }
        // Nothing is started before this is done, so no child inherits them.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        bell = (ends[1], ends[0])
        var thread = pthread_t()
        // Never released: the thread runs until the process ends.
        let own = Unmanaged.passRetained(self).toOpaque()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Nursery>.fromOpaque(context).takeUnretainedValue().work()
            }, own)
        guard code == 0 else { throw CommandFailure("cannot start a thread: \(systemText(code))") }
    }

    func start(_ spec: ChildSpec) async throws(CommandFailure) -> pid_t {
        let result = await withCheckedContinuation { (reply: Reply) in
            orders.withLock { $0.append((spec, reply)) }
            var byte: UInt8 = 1
            write(bell.ring, &byte, 1)
        }
        return try result.get()
    }

    private func work() -> Never {
        while true {
            var byte: UInt8 = 0
            guard read(bell.hear, &byte, 1) == 1 else { continue }
            let batch = orders.withLock { orders in
                defer { orders = [] }
                return orders
            }
            for (spec, reply) in batch { reply.resume(returning: Self.spawn(spec)) }
        }
    }

    private static func spawn(_ spec: ChildSpec) -> Result<pid_t, CommandFailure> {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, spec.log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own, so that Ctrl-C reaches only this process, which then stops the others in order; and no
        // signal blocked or ignored that a thread here has blocked or ignored.
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        posix_spawnattr_setpgroup(&attributes, 0)
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)

        let arguments = ["setpriv", "--pdeathsig", spec.deathSignal] + spec.arguments
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        argv.append(nil)
        defer { for argument in argv { free(argument) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, "setpriv", &actions, &attributes, argv, environ)
        guard code == 0 else {
            let advice = code == ENOENT ? " (setpriv of util-linux is needed)" : ""
            return .failure(CommandFailure("cannot start \(spec.name): \(systemText(code))\(advice)"))
        }
        return .success(pid)
    }
}
