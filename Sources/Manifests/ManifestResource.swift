// What reading gives: resources with their specs, and the form in which they are stored.

public import Model

/// The resources of one run.
public struct ManifestSet: Sendable, Hashable {
    /// In the order of files and of places in them.
    public var resources: [ManifestResource]
    public var warnings: [ManifestWarning]

    public init(resources: [ManifestResource], warnings: [ManifestWarning] = []) {
        self.resources = resources
        self.warnings = warnings
    }
}

/// One resource, read and checked.
public struct ManifestResource: Sendable, Hashable {
    public enum Spec: Sendable, Hashable {
        case app(AppSpec)
        case server(ServerSpec)
        case schedule(ScheduleSpec)
    }

    public var metadata: Metadata
    public var spec: Spec
    /// Canonical JSON of the whole manifest as it was written, with every `source` replaced by
    /// `{"blob": digest, "template": bool}`.
    public var canonical: String
    /// SHA-256 of `canonical`, lower-case hex.
    public var digest: String
    /// The entries of `spec.config` as the desired hash carries them, without those of overrides.
    public var config: [String: String]
    /// The bytes of the `source` files by digest. Empty for a resource read from the store.
    public var blobs: [String: [UInt8]]
    public var origin: Origin

    public init(
        metadata: Metadata, spec: Spec, canonical: String, digest: String, config: [String: String],
        blobs: [String: [UInt8]], origin: Origin
    ) {
        self.metadata = metadata
        self.spec = spec
        self.canonical = canonical
        self.digest = digest
        self.config = config
        self.blobs = blobs
        self.origin = origin
    }

    public var kind: Kind {
        switch spec {
        case .app: .app
        case .server: .server
        case .schedule: .schedule
        }
    }

    public var key: ResourceKey { ResourceKey(kind, metadata.name) }

    public var app: AppSpec? { if case .app(let spec) = spec { spec } else { nil } }
    public var server: ServerSpec? { if case .server(let spec) = spec { spec } else { nil } }
    public var schedule: ScheduleSpec? { if case .schedule(let spec) = spec { spec } else { nil } }
}

/// Where a resource begins.
public struct Origin: Sendable, Hashable, CustomStringConvertible {
    public var file: String
    public var line: Int
    public var column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    public var description: String { "\(file):\(line):\(column)" }
}

/// What is known beside the given manifests: what the store holds already.
public struct ManifestContext: Sendable, Hashable {
    /// Labels of the stored servers, by name.
    public var servers: [String: [String: String]]
    /// The names that each stored App depends on, by the App's name.
    public var apps: [String: Set<String>]
    /// The names of the actions of each stored App, by the App's name.
    public var actions: [String: Set<String>] = [:]
    /// Whether the store was asked at all; only then is a missing server or App worth a warning about the whole.
    public var isComplete: Bool
    /// The time, where it is known.
    public var now: Timestamp?

    public init(servers: [String: [String: String]], apps: [String: Set<String>]) {
        self.servers = servers
        self.apps = apps
        isComplete = true
    }

    private init() {
        servers = [:]
        apps = [:]
        isComplete = false
    }

    /// Nothing is known beside the given manifests.
    public static let none = ManifestContext()
}
