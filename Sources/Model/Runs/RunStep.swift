// What a job that is not a plan can do. Arguments are arrays: nothing ever passes through a shell.

/// One step. In jobs with `values`, all texts are templates.
public enum RunStep: Sendable, Hashable {
    case command(RunCommand)
    /// Ends services of an App on this server and starts them again; no names: all of them.
    case restart(app: String, services: [String])
    /// The newest versions of these packages that the package system has.
    case upgrade(packages: [String])
    case keep(KeepRule)

    /// Whether doing it twice leaves the same as doing it once.
    public var isSafeToRepeat: Bool {
        switch self {
        case .command(let command): command.creates != nil || command.unless != nil
        case .restart, .upgrade, .keep: true
        }
    }
}

/// A program to run to its end.
public struct RunCommand: Sendable, Hashable {
    /// Program and arguments.
    public var command: [String]
    public var environment: [String: String]
    /// nil: the agent's root folder.
    public var directory: String?
    public var user: String?
    /// nil: the job's.
    public var timeout: Duration?
    /// A path whose being there proves that it was done.
    public var creates: String?
    /// A command whose exit code 0 proves that it was done.
    public var unless: [String]?
    /// A file that it reads as its standard input.
    public var input: String?
    /// A file that its standard output becomes, whole or not at all; its folder must exist.
    public var output: String?

    public init(
        command: [String], environment: [String: String] = [:], directory: String? = nil, user: String? = nil,
        timeout: Duration? = nil, creates: String? = nil, unless: [String]? = nil, input: String? = nil,
        output: String? = nil
    ) {
        self.command = command
        self.environment = environment
        self.directory = directory
        self.user = user
        self.timeout = timeout
        self.creates = creates
        self.unless = unless
        self.input = input
        self.output = output
    }
}

/// Of the files of one folder whose names match, the newest stay and the others go.
public struct KeepRule: Sendable, Hashable {
    /// How many stay; at least 1.
    public var count: Int
    public var folder: String
    /// A file name with `*` for any run of characters but `/`: `shop-*.sql`. Newest is what sorts last by name.
    public var pattern: String

    public init(count: Int, folder: String, pattern: String) {
        self.count = count
        self.folder = folder
        self.pattern = pattern
    }
}
