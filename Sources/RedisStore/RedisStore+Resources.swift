// Desired hashes, their tombstones, contents and status.

internal import JSON
internal import Manifests
public import Model
internal import Redis
public import Store

extension RedisStore: ResourceStore {
    public func apply(_ draft: ResourceDraft) async throws(StoreError) -> ApplyResult {
        try await write(draft, what: "applied", lease: nil)
    }

    public func absorbEdit(_ draft: ResourceDraft, lease: Lease) async throws(StoreError) -> ApplyResult {
        try await write(draft, what: "edited", lease: lease)
    }

    /// Sends only contents that are not there yet; where one went away in between, all of them.
    private func write(
        _ draft: ResourceDraft, what: String, lease: Lease?
    ) async throws(StoreError) -> ApplyResult {
        let known = draft.blobs.isEmpty ? [] : try await read(RedisCommand("HKEYS", key: keys.blobs(draft.key))).array
        let present = Set((known ?? []).compactMap(\.string))
        do {
            let missing = draft.blobs.filter { !present.contains($0.key) }
            return try await write(draft, what: what, lease: lease, sending: missing)
        } catch .unavailable(let reason) where reason.contains("MISSINGBLOB") {
            return try await write(draft, what: what, lease: lease, sending: draft.blobs)
        }
    }

    private func write(
        _ draft: ResourceDraft, what: String, lease: Lease?, sending blobs: [String: [UInt8]]
    ) async throws(StoreError) -> ApplyResult {
        var arguments: [RedisArgument] = [.string(what)]
        arguments += lease?.arguments ?? ["", ""]
        arguments += [
            draft.expectedGeneration.map { .int($0) } ?? "", .string(draft.digest), .string(draft.manifest),
            .string(draft.appliedBy), draft.reportInterval.map { .int(Int($0.wholeMilliseconds)) } ?? "",
            draft.labels.map { .string(LabelLines.text($0)) } ?? "", .int(draft.config.count),
        ]
        for (name, value) in draft.config { arguments += [.string(name), .string(value)] }
        arguments.append(.int(draft.blobs.count))
        arguments += draft.blobs.keys.map { .string($0) }
        arguments.append(.int(blobs.count))
        for (digest, content) in blobs { arguments += [.string(digest), .bytes(content)] }
        let reply = try await call(Scripts.applyResource, resource: draft.key, arguments).array ?? []
        guard reply.count == 2, let word = reply[0].string, let change = ApplyResult.Change(rawValue: word),
            let generation = reply[1].int
        else { throw .corrupt(key: keys.desired(draft.key), "the script answered with something unknown") }
        return ApplyResult(change: change, generation: generation)
    }

    public func delete(
        _ key: ResourceKey, by person: String, expectedGeneration: Int?
    ) async throws(StoreError) -> Bool {
        let arguments: [RedisArgument] = [.string(person), expectedGeneration.map { .int($0) } ?? ""]
        return try await call(Scripts.deleteResource, resource: key, arguments).int == 1
    }

    public func resource(_ key: ResourceKey) async throws(StoreError) -> StoredResource? {
        try stored(key, try await read(RedisCommand("HGETALL", key: keys.desired(key))))
    }

    public func resources(_ kind: Kind) async throws(StoreError) -> [StoredResource] {
        let resourceKeys = try await resourceNames(kind).map { ResourceKey(kind, $0) }
        let replies = await results(of: resourceKeys.map { RedisCommand("HGETALL", key: keys.desired($0)) })
        var resources: [StoredResource] = []
        for (key, reply) in zip(resourceKeys, replies) {
            if let resource = try listed(key, reply) { resources.append(resource) }
        }
        return resources
    }

    /// One of many: what cannot be read is said of it, and the others are read.
    private func listed(
        _ key: ResourceKey, _ reply: Result<RedisValue, RedisError>
    ) throws(StoreError) -> StoredResource? {
        do throws(StoreError) {
            let hash: RedisValue
            do throws(RedisError) { hash = try reply.get() } catch { throw StoreError(error, isWrite: false) }
            return try stored(key, hash)
        } catch .corrupt(_, let why) {
            return StoredResource(
                key: key, generation: 0, digest: "", manifest: "", config: [:], appliedBy: "",
                appliedAt: Timestamp(milliseconds: 0), problem: "\(keys.desired(key)): \(why)")
        }
    }

    private func resourceNames(_ kind: Kind) async throws(StoreError) -> [String] {
        let indexes = try await values(
            of: (0..<StoreLayout.shards).map { RedisCommand("SMEMBERS", key: keys.index(kind, $0)) })
        return indexes.flatMap { ($0.array ?? []).compactMap(\.string) }.sorted()
    }

    /// A hash that somebody only made config entries of by hand is no resource.
    private func stored(_ key: ResourceKey, _ reply: RedisValue) throws(StoreError) -> StoredResource? {
        guard let fields = reply.fields, fields["generation"] != nil else { return nil }
        guard let generation = fields["generation"].flatMap({ Int($0) }), let digest = fields["digest"],
            let manifest = fields["spec"], let at = fields["appliedAt"].flatMap({ Int64($0) })
        else { throw .corrupt(key: keys.desired(key), "expected generation, digest, spec and appliedAt") }
        var config: [String: String] = [:]
        for (name, value) in fields where name.hasPrefix("config:") { config[String(name.dropFirst(7))] = value }
        return StoredResource(
            key: key, generation: generation, digest: digest, manifest: manifest, config: config,
            appliedBy: fields["appliedBy"] ?? "", appliedAt: Timestamp(milliseconds: at),
            removalConfirmedGeneration: fields["removalConfirmed"].flatMap { Int($0) })
    }

    public func tombstones(_ kind: Kind) async throws(StoreError) -> [Tombstone] {
        let shards = 0..<StoreLayout.shards
        let commands = shards.map { RedisCommand("HGETALL", key: keys.deleted(kind, $0)) }
        var tombstones: [Tombstone] = []
        for (name, text) in try await values(of: commands).flatMap({ $0.fields ?? [:] }) {
            if let tombstone = Tombstone(of: ResourceKey(kind, name), text) { tombstones.append(tombstone) }
        }
        return tombstones.sorted { $0.key < $1.key }
    }

    public func tombstone(of key: ResourceKey) async throws(StoreError) -> Tombstone? {
        let text = try await read(RedisCommand("HGET", key: keys.deleted(key.kind, key.shard), [.string(key.name)]))
        return text.string.flatMap { Tombstone(of: key, $0) }
    }

    public func blob(_ digest: String, of key: ResourceKey) async throws(StoreError) -> [UInt8]? {
        try await read(RedisCommand("HGET", key: keys.blobs(key), [.string(digest)])).bytes
    }

    public func confirmRemoval(of key: ResourceKey, generation: Int) async throws(StoreError) {
        try await call(Scripts.confirmRemoval, resource: key, [.int(generation)])
    }

    public func raise(
        _ key: ResourceKey, generation: Int, above known: Int, by person: String
    ) async throws(StoreError) -> Int {
        let reply = try await call(
            Scripts.raiseGeneration, resource: key, [.int(generation), .int(known), .string(person)])
        guard let raised = reply.int else {
            throw .corrupt(key: keys.desired(key), "the script answered with something unknown")
        }
        return raised
    }

    public func refuseEdit(
        of key: ResourceKey, restoring config: [String: String], event: Event, lease: Lease
    ) async throws(StoreError) {
        var arguments = lease.arguments + event.arguments + [.int(config.count)]
        for (name, value) in config { arguments += [.string(name), .string(value)] }
        try await call(Scripts.refuseEdit, resource: key, arguments)
    }

    public func handEdits(shard: Int) async throws(StoreError) -> [ResourceKey] {
        let prefixes = Kind.allCases.flatMap { kind in
            [kind.rawValue, keys.desiredPrefix(kind, shard), keys.appliedPrefix(kind, shard)]
        }
        let reply = try await call(
            Scripts.handEdits, keys: Kind.allCases.map { keys.index($0, shard) }, prefixes.map { .string($0) },
            isWrite: false)
        let words = (reply.array ?? []).compactMap(\.string)
        return stride(from: 0, to: words.count - 1, by: 2).compactMap { index in
            Kind(rawValue: words[index]).map { ResourceKey($0, words[index + 1]) }
        }.sorted()
    }

    // MARK: status

    private static let conditionPrefix = "condition:"
    private static let countPrefix = "count:"

    public func writeStatus(
        _ status: ResourceStatus, of key: ResourceKey, lease: Lease
    ) async throws(StoreError) {
        var arguments = lease.arguments + ["observedGeneration", .int(status.observedGeneration)]
        for condition in status.conditions {
            arguments += [.string(Self.conditionPrefix + condition.type.rawValue), .string(condition.wireText)]
        }
        for (phase, count) in status.counts {
            arguments += [.string(Self.countPrefix + phase.rawValue), .int(count)]
        }
        try await call(Scripts.writeStatus, resource: key, arguments)
    }

    public func status(_ key: ResourceKey) async throws(StoreError) -> ResourceStatus? {
        let reply = try await read(RedisCommand("HGETALL", key: keys.status(key)))
        guard let fields = reply.fields, !fields.isEmpty else { return nil }
        guard let generation = fields["observedGeneration"].flatMap({ Int($0) }) else {
            throw .corrupt(key: keys.status(key), "expected observedGeneration as a number")
        }
        var status = ResourceStatus(observedGeneration: generation, conditions: [], counts: [:])
        for type in Condition.Kind.allCases {
            guard let text = fields[Self.conditionPrefix + type.rawValue] else { continue }
            status.conditions.append(try decode(text, in: keys.status(key)))
        }
        for phase in InstancePhase.allCases {
            status.counts[phase] = fields[Self.countPrefix + phase.rawValue].flatMap { Int($0) }
        }
        return status
    }

    /// Reads a value's JSON text, which anybody may have written.
    func decode<Value: WireValue>(_ text: String, in key: String) throws(StoreError) -> Value {
        do throws(WireError) { return try Value(wireText: text) } catch { throw .corrupt(key: key, "\(error)") }
    }
}

extension Tombstone {
    /// From `generation time person`. One that cannot be read gives no authority to remove anything.
    fileprivate init?(of key: ResourceKey, _ text: String) {
        let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let generation = Int(parts[0]), let at = Int64(parts[1]) else { return nil }
        self.init(
            key: key, generation: generation, deletedBy: String(parts[2]), deletedAt: Timestamp(milliseconds: at))
    }
}
