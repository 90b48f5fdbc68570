// A resolved instance: every template filled in, every field with what it must be and what makes it so.

/// What one field should be.
public struct DesiredField: Sendable, Hashable {
    public var key: FieldKey
    public var expectation: Expectation
    /// What a driver needs to observe it and to make it so.
    public var spec: FieldSpec

    public init(key: FieldKey, expectation: Expectation, spec: FieldSpec) {
        self.key = key
        self.expectation = expectation
        self.spec = spec
    }
}

/// What a driver works from; the strings are final, nothing is a template any more.
public enum FieldSpec: Sendable, Hashable {
    case config(value: String)
    case package(PackageSpec)
    case directory(Ownership)
    case file(FileRender)
    case command(CommandSpec)
    case service(ServiceRun)
    case health(HealthSpec)
}

/// A file's final content.
public struct FileRender: Sendable, Hashable {
    /// SHA-256 of the content, lower-case hex.
    public var digest: String
    public var size: Int
    public var ownership: Ownership
    /// In a job's step; nil in an assignment, where only observing is asked for.
    public var content: [UInt8]?

    public init(digest: String, size: Int, ownership: Ownership, content: [UInt8]?) {
        self.digest = digest
        self.size = size
        self.ownership = ownership
        self.content = content
    }
}

/// A service's final command line and the digests that say whether a running process is of this very definition.
public struct ServiceRun: Sendable, Hashable {
    public var spec: ServiceSpec
    /// 12 hex digits over command, environment, directory, user, and the desired values of the fields in `restartOn`.
    public var run: String
    /// 12 hex digits over the desired values of the fields in `reloadOn`; all zeros where there are none.
    public var load: String

    public init(spec: ServiceSpec, run: String, load: String) {
        self.spec = spec
        self.run = run
        self.load = load
    }
}

/// An instance as it should be.
public struct DesiredInstance: Sendable, Hashable {
    public var id: InstanceID
    /// The generation of the resource that declares it.
    public var generation: Int
    /// 16 hex digits over all fields: two servers, two replicas and two runs agree on it.
    public var digest: String
    /// In the order of steps (`FieldKey.<`).
    public var fields: [DesiredField]

    public init(id: InstanceID, generation: Int, digest: String, fields: [DesiredField]) {
        self.id = id
        self.generation = generation
        self.digest = digest
        self.fields = fields
    }
}

/// What the agent is told to observe on its server: a `DesiredInstance` without file contents.
public typealias Assignment = DesiredInstance
