// What both an App and a Server can carry: the entries that become fields. Maps are keyed by the entry's one name.

/// Entries by name. Strings marked "template" may hold `${config.x}`, `${server.x}`, `${app.x}`.
public struct Workload: Sendable, Hashable {
    /// Scalars by key, in their canonical text (`8080`, `true`, `127.0.0.1`).
    public var config: [String: String]
    public var packages: [String: PackageSpec]
    /// By absolute path.
    public var directories: [String: DirectorySpec]
    /// By absolute path.
    public var files: [String: FileSpec]
    public var commands: [String: CommandSpec]
    public var services: [String: ServiceSpec]
    public var health: [String: HealthSpec]

    public init(
        config: [String: String] = [:], packages: [String: PackageSpec] = [:],
        directories: [String: DirectorySpec] = [:], files: [String: FileSpec] = [:],
        commands: [String: CommandSpec] = [:], services: [String: ServiceSpec] = [:],
        health: [String: HealthSpec] = [:]
    ) {
        self.config = config
        self.packages = packages
        self.directories = directories
        self.files = files
        self.commands = commands
        self.services = services
        self.health = health
    }

    public var isEmpty: Bool {
        config.isEmpty && packages.isEmpty && directories.isEmpty && files.isEmpty && commands.isEmpty
            && services.isEmpty && health.isEmpty
    }
}

/// `"nginx": "present"`, `"absent"`, or a version, of which a trailing `*` matches any rest.
public enum PackageSpec: Sendable, Hashable {
    case present
    case absent
    case version(String)
}

/// Permissions and ownership. A nil owner or group is not compared.
public struct Ownership: Sendable, Hashable {
    /// Permission bits, 0...0o7777.
    public var mode: Int
    public var owner: String?
    public var group: String?

    public init(mode: Int, owner: String? = nil, group: String? = nil) {
        self.mode = mode
        self.owner = owner
        self.group = group
    }
}

public struct DirectorySpec: Sendable, Hashable {
    public var ownership: Ownership

    public init(ownership: Ownership = Ownership(mode: 0o755)) {
        self.ownership = ownership
    }
}

public struct FileSpec: Sendable, Hashable {
    public var content: FileContent
    public var ownership: Ownership

    public init(content: FileContent, ownership: Ownership = Ownership(mode: 0o644)) {
        self.content = content
        self.ownership = ownership
    }

    /// The largest file that a manifest may carry, in bytes.
    public static let maximumSize = 1 << 20
}

public enum FileContent: Sendable, Hashable {
    /// A template, in the manifest itself.
    case inline(String)
    /// The bytes of a file beside the manifest, by their SHA-256 in lower-case hex; `template` says whether it is expanded.
    case blob(digest: String, template: Bool)
}

/// A command that makes something so, and the proof by which it is known to be so already: one of `creates`, `unless`.
public struct CommandSpec: Sendable, Hashable {
    /// Program and arguments; templates.
    public var command: [String]
    /// A path that exists when the command need not run; a template.
    public var creates: String?
    /// A command whose exit code 0 says that the command need not run; templates.
    public var unless: [String]?
    public var environment: [String: String]
    public var directory: String?
    public var user: String?
    public var timeout: Duration

    public init(
        command: [String], creates: String? = nil, unless: [String]? = nil, environment: [String: String] = [:],
        directory: String? = nil, user: String? = nil, timeout: Duration = .seconds(300)
    ) {
        self.command = command
        self.creates = creates
        self.unless = unless
        self.environment = environment
        self.directory = directory
        self.user = user
        self.timeout = timeout
    }
}

/// A process that the agent starts and supervises, in the foreground, in a session of its own.
public struct ServiceSpec: Sendable, Hashable {
    /// Program and arguments; templates.
    public var command: [String]
    /// Values are templates.
    public var environment: [String: String]
    /// Working directory; a template.
    public var directory: String?
    public var user: String?
    /// Fields of the same resource (`file:/etc/webapp/nginx.conf`, `config:nginx_port`) whose change restarts it.
    public var restartOn: [FieldKey]
    /// Fields whose change only reloads it.
    public var reloadOn: [FieldKey]
    public var reload: Reload?
    /// From TERM to KILL when it is stopped.
    public var stopTimeout: Duration

    public init(
        command: [String], environment: [String: String] = [:], directory: String? = nil, user: String? = nil,
        restartOn: [FieldKey] = [], reloadOn: [FieldKey] = [], reload: Reload? = nil,
        stopTimeout: Duration = .seconds(10)
    ) {
        self.command = command
        self.environment = environment
        self.directory = directory
        self.user = user
        self.restartOn = restartOn
        self.reloadOn = reloadOn
        self.reload = reload
        self.stopTimeout = stopTimeout
    }

    public enum Reload: Sendable, Hashable {
        /// A signal's name without `SIG`: `HUP`.
        case signal(String)
        /// A command; templates.
        case command([String])
    }
}

public struct HealthSpec: Sendable, Hashable {
    public var probe: Probe
    public var every: Duration
    public var timeout: Duration

    public init(probe: Probe, every: Duration = .seconds(5), timeout: Duration = .seconds(2)) {
        self.probe = probe
        self.every = every
        self.timeout = timeout
    }

    public enum Probe: Sendable, Hashable {
        /// A URL, a template; healthy is a status of 200...399.
        case http(String)
        /// `host:port`, a template; healthy is an accepted connection.
        case tcp(String)
        /// Templates; healthy is exit code 0.
        case command([String])
    }
}
