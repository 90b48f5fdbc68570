internal import ArgumentParser
internal import Glibc
internal import Model
internal import Output
internal import Programs
internal import Store

/// `lock NAME -- command…`: a command of which one runs at a time, on however many servers.
struct Lock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a command under a lock, so that it runs once on many servers.",
        discussion: """
            The command's exit code is passed on. Exit code 3: somebody else has the lock. 0 and one line on standard error:
            it was begun within --once-in already. 1: the lock was lost, and the command was ended.
            The command finds REDOPS_LOCK, REDOPS_LOCK_EPOCH and REDOPS_LOCK_NONCE in its environment.
            """)

    @OptionGroup var options: StoreOptions

    @Argument(help: "The lock: letters, digits, '.', '_' and '-'.")
    var name: String

    @Argument(parsing: .postTerminator, help: "Program and arguments, after --. No shell is between.")
    var command: [String] = []

    @Option(help: "How long the lock outlives a server that vanishes; renewed each third of it. 1s to 1h.")
    var ttl = Span(.seconds(10))

    @Option(help: "How long to wait for a lock that is held.")
    var wait = Span(.zero)

    @Option(help: "Do nothing where it was begun within this time, by whomever. At most 30d.")
    var onceIn: Span?

    @Option(help: "Who has the lock, for others to see (default: host name and process id).")
    var holder: String?

    func validate() throws {
        guard LockBounds.isValid(name: name) else {
            throw ValidationError(
                "\"\(name.printable)\" cannot name a lock: expected at most \(RunBounds.longestID) letters, digits, '.', '_' or '-', "
                    + "and no '.' in front")
        }
        guard !command.isEmpty else {
            throw ValidationError("expected -- and a command after it: opsapply lock \(name) -- backup.sh")
        }
        guard LockBounds.ttl.contains(ttl.duration) else {
            throw ValidationError("--ttl is 1s to 1h, not \(ttl.duration.age)")
        }
        guard onceIn.map({ $0.duration <= LockBounds.idle }) ?? true else {
            throw ValidationError("--once-in is at most 30d: nobody knows longer when a lock was begun")
        }
        if let holder {
            let isPlain = holder.printable == holder && (1...LockBounds.longestHolder).contains(holder.utf8.count)
            guard isPlain else {
                throw ValidationError(
                    "--holder is a text of 1 to \(LockBounds.longestHolder) bytes without control characters")
            }
        }
    }

    func run() async throws {
        let path = try Self.find(command[0])
        let files = GivenFiles()
        try await options.withStore { store in
            files.keepOthersBack()
            try await LockRun(
                name: name, holder: holder ?? "\(Person.host)-\(getpid())", ttl: ttl.duration, wait: wait.duration,
                onceIn: onceIn?.duration, path: path, arguments: command, store: store
            ).run()
        }
    }

    /// The program, looked for before the lock is taken: what cannot be run shall not count as begun.
    private static func find(_ program: String) throws(CommandFailure) -> String {
        let folders = (Console.environment("PATH") ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":")
        let paths = program.contains("/") ? [program] : folders.map { "\($0)/\(program)" }
        if let path = paths.first(where: { access($0, X_OK) == 0 }) { return path }
        guard paths.contains(where: { access($0, F_OK) == 0 }) else {
            throw CommandFailure("\(program.printable): no such program; nothing was run", exitCode: 127)
        }
        throw CommandFailure("\(program.printable) may not be executed; nothing was run", exitCode: 126)
    }
}

/// `locks`: who has which, and when each was last begun.
struct Locks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the locks of people's scripts.")

    @OptionGroup var options: StoreOptions

    @Option(name: .shortAndLong, help: "table, json or name.")
    var output: OutputFormat = .table

    func run() async throws {
        try await options.withStore { store in
            let locks = try await store.locks()
            switch output {
            case .table: Console.out(LockListing.table(locks).text(Console.paint))
            case .json: Console.out(LockListing.document(locks))
            case .name: Console.out(locks.map { "\($0.name.printable)\n" }.joined())
            }
        }
    }
}
