// What somebody wants run, before it is known on which queues: from `opsapply run`, from the inbox, from a Schedule.

public struct RunRequest: Sendable, Hashable {
    public var work: RunWork
    public var targets: RunTargets
    public var options: RunOptions

    public init(work: RunWork, targets: RunTargets, options: RunOptions = RunOptions()) {
        self.work = work
        self.targets = targets
        self.options = options
    }
}

public enum RunWork: Sendable, Hashable {
    case steps([RunStep])
    /// An App's action by name: one of its `actions`, or `restart` or `upgrade`, which every App has.
    case action(app: String, name: String)

    /// Actions that every App has, unless it declares others of the same name.
    public static let builtIn = ["restart", "upgrade"]
}

public enum RunTargets: Sendable, Hashable {
    /// Each of these servers.
    case servers([String])
    /// Each server whose labels contain these.
    case selector([String: String])
    /// So many of the servers whose labels contain these: whoever is free takes one.
    case any(Int, [String: String])
    /// Each server that has an instance of the App whose action it is.
    case instances
}

/// How it is run; what is nil is taken from the action, then from `RunBounds`.
public struct RunOptions: Sendable, Hashable {
    public var timeout: Duration?
    /// Attempts beyond the first.
    public var retries: Int?
    public var priority: Int?
    public var isRepeatable: Bool?

    public init(timeout: Duration? = nil, retries: Int? = nil, priority: Int? = nil, isRepeatable: Bool? = nil) {
        self.timeout = timeout
        self.retries = retries
        self.priority = priority
        self.isRepeatable = isRepeatable
    }
}

/// Steps that an App gives a name: `backup`.
public struct ActionSpec: Sendable, Hashable {
    public var steps: [RunStep]
    public var options: RunOptions

    public init(steps: [RunStep], options: RunOptions = RunOptions()) {
        self.steps = steps
        self.options = options
    }
}
