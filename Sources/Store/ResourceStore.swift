// The desired side: manifests as stored, their history, their status, and the record of what a person deleted.

public import Model

/// A desired hash.
public struct StoredResource: Sendable, Hashable {
    public var key: ResourceKey
    /// Counts the changes of the spec. Goes on from the last one when a deleted resource is applied again.
    public var generation: Int
    /// SHA-256 (hex) of the canonical manifest (spec and labels), by which an unchanged apply is recognised.
    public var digest: String
    /// The canonical JSON of the whole manifest, with file sources replaced by `{"blob": …}`.
    public var manifest: String
    /// The `config:` entries of the hash as they are now. They differ from the manifest's where somebody edited by hand.
    public var config: [String: String]
    public var appliedBy: String
    public var appliedAt: Timestamp
    /// A person agreed to remove instances beyond the limit, for this generation.
    public var removalConfirmedGeneration: Int?
    /// What is stored cannot be read, and why; `manifest` is empty then. Only reads of many say it so: one alone throws.
    public var problem: String?

    public init(
        key: ResourceKey, generation: Int, digest: String, manifest: String, config: [String: String],
        appliedBy: String, appliedAt: Timestamp, removalConfirmedGeneration: Int? = nil, problem: String? = nil
    ) {
        self.key = key
        self.generation = generation
        self.digest = digest
        self.manifest = manifest
        self.config = config
        self.appliedBy = appliedBy
        self.appliedAt = appliedAt
        self.removalConfirmedGeneration = removalConfirmedGeneration
        self.problem = problem
    }
}

/// One write of `apply`.
public struct ResourceDraft: Sendable, Hashable {
    public var key: ResourceKey
    public var digest: String
    public var manifest: String
    public var config: [String: String]
    /// Contents by SHA-256 that the store may not have yet.
    public var blobs: [String: [UInt8]]
    public var appliedBy: String
    /// Refuse with `conflict` unless the stored generation is this; 0: must not exist; nil: whatever is there.
    public var expectedGeneration: Int?
    /// Of a Server: how often its agent is to report. It is told with its assignments.
    public var reportInterval: Duration?
    /// Of a Server: its labels, which its agent compares with the pools that it takes from. nil leaves those that are known.
    public var labels: [String: String]?

    public init(
        key: ResourceKey, digest: String, manifest: String, config: [String: String], blobs: [String: [UInt8]],
        appliedBy: String, expectedGeneration: Int?, reportInterval: Duration? = nil,
        labels: [String: String]? = nil
    ) {
        self.key = key
        self.digest = digest
        self.manifest = manifest
        self.config = config
        self.blobs = blobs
        self.appliedBy = appliedBy
        self.expectedGeneration = expectedGeneration
        self.reportInterval = reportInterval
        self.labels = labels
    }
}

public struct ApplyResult: Sendable, Hashable {
    public enum Change: String, Sendable, Hashable { case created, configured, unchanged }
    public var change: Change
    public var generation: Int

    public init(change: Change, generation: Int) {
        self.change = change
        self.generation = generation
    }
}

/// A person deleted this resource: the authority to remove what it made. An absence without one removes nothing.
public struct Tombstone: Sendable, Hashable {
    public var key: ResourceKey
    public var generation: Int
    public var deletedBy: String
    public var deletedAt: Timestamp

    public init(key: ResourceKey, generation: Int, deletedBy: String, deletedAt: Timestamp) {
        self.key = key
        self.generation = generation
        self.deletedBy = deletedBy
        self.deletedAt = deletedAt
    }
}

public protocol ResourceStore: Sendable {
    /// Writes one resource: a new generation if the digest differs, its history, a feed entry. Clears its tombstone.
    func apply(_ draft: ResourceDraft) async throws(StoreError) -> ApplyResult
    /// Removes one resource and leaves a tombstone. Returns false if there was none.
    func delete(_ key: ResourceKey, by: String, expectedGeneration: Int?) async throws(StoreError) -> Bool
    func resource(_ key: ResourceKey) async throws(StoreError) -> StoredResource?
    func resources(_ kind: Kind) async throws(StoreError) -> [StoredResource]
    func tombstones(_ kind: Kind) async throws(StoreError) -> [Tombstone]
    func tombstone(of key: ResourceKey) async throws(StoreError) -> Tombstone?
    func blob(_ digest: String, of key: ResourceKey) async throws(StoreError) -> [UInt8]?
    /// A person agrees to remove instances beyond the limit, for the generation given.
    func confirmRemoval(of key: ResourceKey, generation: Int) async throws(StoreError)
    /// A person goes on with a manifest that is older than what its servers know, as after an older copy of the store was
    /// restored: it gets the generation after `known`. Returns that.
    func raise(_ key: ResourceKey, generation: Int, above known: Int, by person: String) async throws(StoreError) -> Int
    /// The controller's answer to a hand edit of `config:` entries: a new generation with this draft's content
    /// (`expectedGeneration` must be set), if the entries still are `draft.config`.
    func absorbEdit(_ draft: ResourceDraft, lease: Lease) async throws(StoreError) -> ApplyResult
    /// The other answer: the entries are set back to `config`, and the event says why.
    func refuseEdit(of key: ResourceKey, restoring config: [String: String], event: Event, lease: Lease)
        async throws(StoreError)
    /// Resources of one shard whose `config:` entries differ from those last applied: what was edited by hand.
    func handEdits(shard: Int) async throws(StoreError) -> [ResourceKey]
    func status(_ key: ResourceKey) async throws(StoreError) -> ResourceStatus?
    func writeStatus(_ status: ResourceStatus, of key: ResourceKey, lease: Lease) async throws(StoreError)
}
