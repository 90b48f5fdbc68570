// One child process that cannot outlive the tests. `setpriv --pdeathsig KILL` makes the kernel kill it when the thread
// that started it ends; threads of the concurrency pool come and go, so one thread of our own starts every child and
// then stays for as long as the test process does.

public import Glibc
internal import Synchronization

public struct SpawnFailure: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) { self.description = description }
}

public enum ServerProcess {
    /// Starts a program, found by PATH, with no input and its output in a file, what it says of errors in another one if
    /// that is given; returns its process id.
    public static func start(_ arguments: [String], output: String, errors: String? = nil) throws -> pid_t {
        let answer = Answer()
        nursery.give {
            let result = Result {
                try spawn(["setpriv", "--pdeathsig", "KILL"] + arguments, output: output, errors: errors)
            }
            answer.set(result)
        }
        return try answer.wait()
    }

    /// Collects an ended child; `true` once it has ended (or is not ours any more).
    public static func hasEnded(_ pid: pid_t) -> Bool {
        var status: Int32 = 0
        return waitpid(pid, &status, WNOHANG) != 0
    }

    /// Collects an ended child, and says how it ended as a shell would: 128 and the signal's number. nil while it runs.
    public static func exitCode(_ pid: pid_t) -> Int32? {
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }

    private static let nursery = Nursery()

    private static func spawn(_ arguments: [String], output: String, errors: String?) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        if let errors {
            posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        } else {
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        // Threads of the concurrency pool block signals, and a child inherits what its parent's thread blocks.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var pid: pid_t = 0
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        argv.append(nil)
        defer { for argument in argv { free(argument) } }
        let code = posix_spawnp(&pid, arguments[0], &actions, &attributes, argv, environ)
        guard code == 0 else {
            throw SpawnFailure(description: "cannot start \(arguments[0]): \(String(cString: strerror(code)))")
        }
        return pid
    }
}

/// The thread that starts every child, and never ends.
private final class Nursery: Sendable {
    private let work = Mutex<[@Sendable () -> Void]>([])
    private let wake = Signal()

    init() {
        var thread = pthread_t()
        let own = Unmanaged.passRetained(self).toOpaque()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Nursery>.fromOpaque(context).takeUnretainedValue().run()
            }, own)
        precondition(code == 0, "no thread for starting servers: \(String(cString: strerror(code)))")
    }

    func give(_ job: @escaping @Sendable () -> Void) {
        work.withLock { $0.append(job) }
        wake.post()
    }

    private func run() -> Never {
        while true {
            wake.wait()
            let jobs = work.withLock { work in
                defer { work = [] }
                return work
            }
            for job in jobs { job() }
        }
    }
}

/// The process id that the nursery's thread hands to the one that asked for it.
private final class Answer: Sendable {
    private let result = Mutex<Result<pid_t, any Error>?>(nil)
    private let ready = Signal()

    func set(_ value: Result<pid_t, any Error>) {
        result.withLock { $0 = value }
        ready.post()
    }

    func wait() throws -> pid_t {
        ready.wait()
        guard let result = result.withLock({ $0 }) else {
            throw SpawnFailure(description: "no answer from the nursery")
        }
        return try result.get()
    }
}

/// A counting semaphore.
private final class Signal: @unchecked Sendable {  // POSIX semaphores may be used from any thread
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }
    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func post() { sem_post(semaphore) }
    func wait() { while sem_wait(semaphore) != 0 {} }
}
