// Where everything of one `up` lies: all below one folder, so that removing the folder removes it all.

internal import Glibc
internal import Output

struct UpPaths {
    /// The longest path of a unix socket, by `sockaddr_un`.
    private static let longestSocketPath = 107

    /// Absolute.
    let folder: String

    var socket: String { "\(folder)/redis.sock" }
    var redisFolder: String { "\(folder)/redis" }
    var logs: String { "\(folder)/logs" }
    var lock: String { "\(folder)/lock" }
    var pids: String { "\(folder)/pids.json" }
    var url: String { "unix://\(socket)" }

    func log(of name: String) -> String { "\(logs)/\(name).log" }
    func root(of server: String) -> String { "\(folder)/servers/\(server)/root" }
    func agentState(of server: String) -> String { "\(folder)/servers/\(server)/state" }

    /// `$XDG_STATE_HOME/redops`, or `~/.local/state/redops`.
    static var defaultFolder: String {
        if let state = Console.environment("XDG_STATE_HOME") { return "\(state)/redops" }
        return "\(Console.environment("HOME") ?? "/tmp")/.local/state/redops"
    }

    /// Makes the folders.
    init(_ path: String) throws(CommandFailure) {
        try Self.makeFolder(path)
        guard let resolved = realpath(path, nil) else {
            throw CommandFailure("cannot use \(path.printable): \(systemText(errno))")
        }
        defer { free(resolved) }
        folder = String(cString: resolved)
        guard socket.utf8.count <= Self.longestSocketPath else {
            throw CommandFailure(
                "the state folder's path is too long for a unix socket: \(socket.printable) has \(socket.utf8.count) bytes "
                    + "of at most \(Self.longestSocketPath); choose a shorter --state")
        }
        try Self.makeFolder(redisFolder)
        try Self.makeFolder(logs)
    }

    /// Makes a folder and those above it.
    static func makeFolder(_ path: String) throws(CommandFailure) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/\(part)"
            if mkdir(made, 0o755) != 0, errno != EEXIST {
                throw CommandFailure("cannot make the folder \(made.printable): \(systemText(errno))")
            }
        }
    }

    /// Held until this process ends, however it ends.
    func takeLock() throws(CommandFailure) {
        let descriptor = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CommandFailure("cannot open \(lock.printable): \(systemText(errno))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw CommandFailure(
                "\(folder.printable) is in use by another opsapply up: end that one, or choose another --state")
        }
    }

    /// Writes beside the file and renames, so that a reader never sees half of it.
    func writePids(_ text: String) {
        let temporary = pids + ".new"
        guard let file = fopen(temporary, "we") else { return }
        fputs(text, file)
        fclose(file)
        rename(temporary, pids)
    }
}
