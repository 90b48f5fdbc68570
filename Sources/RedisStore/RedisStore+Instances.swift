// Instances: two hashes each, read in bulk as flat replies, written by one script.

internal import Manifests
public import Model
internal import Redis
public import Store

extension RedisStore: InstanceStore {
    public func instance(_ id: InstanceID) async throws(StoreError) -> InstanceSnapshot {
        let parts = try await values(of: [
            RedisCommand("HGETALL", key: keys.control(id)), RedisCommand("HGETALL", key: keys.observed(id)),
            RedisCommand("GET", key: keys.assignment(id)),
        ])
        var decoder = InstanceDecoder(id)
        for (name, value) in parts[0].fields ?? [:] { decoder.takeControl(name, value) }
        for (name, value) in parts[1].fields ?? [:] { decoder.takeObserved(name, value) }
        if let text = parts[2].string { decoder.takeAssignment(text) }
        return try decoder.snapshot(keys)
    }

    public func instances(
        _ ids: [InstanceID], assignments: AssignmentDetail, _ handle: @escaping @Sendable (InstanceSnapshot) -> Void
    ) async throws(StoreError) {
        let keys = keys
        let width = assignments == .full ? 3 : 2
        let names = ids.flatMap { id in
            [keys.control(id), keys.observed(id)] + (width == 3 ? [keys.assignment(id)] : [])
        }
        _ = try await bulk(names, into: SnapshotRun(width: width)) { run, index, reply in
            run.take(reply, index, of: ids[index / width], keys, handle)
        }
    }

    public func visitObserved<Visitor: ObservedVisitor>(
        _ ids: [InstanceID], _ visitor: Visitor
    ) async throws(StoreError) -> Visitor {
        let keys = keys
        let end = try await bulk(ids.map { keys.observed($0) }, into: VisitRun(visitor: visitor)) { run, index, reply in
            run.take(reply, index)
        }
        return end.visitor
    }

    private func bulk<State: Sendable>(
        _ names: [String], into state: State,
        _ handle: @escaping @Sendable (inout State, Int, borrowing RedisReplyView) -> Void
    ) async throws(StoreError) -> State {
        do throws(RedisError) {
            return try await client.forEachReply(keys: names, into: state, deadline: Self.bulkDeadline) {
                $1.append(Keyspace.isAssignment($0) ? "GET" : "HGETALL", key: $0)
            } handle: {
                handle(&$0, $1, $2)
            }
        } catch {
            throw StoreError(error, isWrite: false)
        }
    }

    public func instanceIDs(shard: Int) async throws(StoreError) -> [InstanceID] {
        let reply = try await call(
            Scripts.listInstances, keys: [keys.servers(shard)], [.string(keys.serverPrefix(shard))], isWrite: false)
        let words = (reply.array ?? []).compactMap(\.string)
        return stride(from: 0, to: words.count - 1, by: 2).map {
            InstanceID(appKey: words[$0 + 1], server: words[$0])
        }.sorted()
    }

    public func summaries(shard: Int) async throws(StoreError) -> [InstanceSummary] {
        let reply = try await read(RedisCommand("HGETALL", key: keys.summary(shard)))
        var summaries: [InstanceSummary] = []
        for (name, value) in reply.fields ?? [:] {
            // An entry that cannot be read proves nothing: its instance is looked at.
            guard let slash = name.firstIndex(of: "/"), let colon = value.firstIndex(of: ":"),
                let revision = Int(value[..<colon])
            else { continue }
            summaries.append(
                InstanceSummary(
                    id: InstanceID(appKey: String(name[name.index(after: slash)...]), server: String(name[..<slash])),
                    revision: revision, fieldsDigest: String(value[value.index(after: colon)...])))
        }
        return summaries.sorted { $0.id < $1.id }
    }

    public func commit(_ commit: InstanceCommit, lease: Lease) async throws(StoreError) {
        try await call(Scripts.commitInstance, server: commit.id.server, try arguments(commit, lease))
    }

    private func arguments(_ commit: InstanceCommit, _ lease: Lease) throws(StoreError) -> [RedisArgument] {
        var arguments = lease.arguments
        arguments += [
            .string(commit.id.appKey), .int(commit.expectedRevision), .string(commit.expectedOpenJob ?? ""),
        ]
        switch commit.assignment {
        case .keep: arguments += ["keep", "", "0", ""]
        case .remove: arguments += ["remove", "", "0", ""]
        case .set(let assignment):
            arguments += [
                "set", .string(assignment.wireText), .int(assignment.generation), .string(assignment.digest),
            ]
        }
        arguments += [
            .string(commit.phase.rawValue), .string(commit.message), .string(commit.metDigest),
            commit.cancelUnstarted ? "1" : "0",
        ]
        arguments += try commit.job.map { job throws(StoreError) in try jobArguments(job) } ?? ["", "", "", "", ""]
        for records in [commit.driftOpened, commit.driftRepaired] {
            arguments.append(.int(records.count))
            for record in records { arguments += [.string(record.field.description), .string(record.wireText)] }
        }
        return arguments + [.int(commit.events.count)] + commit.events.flatMap(\.arguments)
    }

    /// Id, JSON, kind, generation and epoch.
    private func jobArguments(_ job: Job) throws(StoreError) -> [RedisArgument] {
        [
            .string(job.id), .string(try boundedText(of: job)), .string(job.kind.rawValue), .int(job.plan.generation),
            .int(Int(job.epoch)),
        ]
    }

    /// A job's JSON, if it is not too large for the queue.
    func boundedText(of job: Job) throws(StoreError) -> String {
        let text = job.wireText
        guard text.utf8.count <= QueueBounds.jobBytes else {
            throw .tooLarge(
                "the job for \(job.plan.instance) is \(text.utf8.count) bytes; at most \(QueueBounds.jobBytes) are taken:"
                    + " split its files over several Apps")
        }
        return text
    }

    public func driftHistory(server: String, limit: Int) async throws(StoreError) -> [(InstanceID, DriftRecord)] {
        let key = keys.drifts(server)
        let entries = try await read(RedisCommand("XREVRANGE", key: key, ["+", "-", "COUNT", .int(max(0, limit))]))
        var records: [(InstanceID, DriftRecord)] = []
        for entry in entries.streamEntries {
            guard let app = entry.fields["app"], let text = entry.fields["drift"] else {
                throw .corrupt(key: key, "entry \(entry.id): expected app and drift")
            }
            records.append((InstanceID(appKey: app, server: server), try decode(text, in: key)))
        }
        return records
    }

    public func events(limit: Int) async throws(StoreError) -> [Event] {
        let shards = 0..<StoreLayout.shards
        let streams = try await values(
            of: shards.map {
                RedisCommand("XREVRANGE", key: keys.events($0), ["+", "-", "COUNT", .int(max(0, limit))])
            })
        var events: [Event] = []
        for (shard, stream) in zip(shards, streams) {
            for entry in stream.streamEntries.reversed() {
                guard let event = Event(entry.fields) else {
                    throw .corrupt(key: keys.events(shard), "entry \(entry.id) is no event")
                }
                events.append(event)
            }
        }
        return Event.newest(limit, of: events)
    }

    public func record(_ event: Event, lease: Lease?) async throws(StoreError) {
        let shard = event.shard
        _ = try await call(
            Scripts.recordEvent, keys: [keys.events(shard), keys.fence(shard), keys.refused(shard)],
            (lease?.arguments ?? ["", ""]) + event.arguments)
    }
}

extension Event {
    init?(_ fields: [String: String]) {
        guard let at = fields["at"].flatMap({ Int64($0) }), let reason = fields["reason"],
            let severity = fields["severity"].flatMap(Severity.init(rawValue:)), let subject = fields["subject"],
            let message = fields["message"]
        else { return nil }
        self.init(
            at: Timestamp(milliseconds: at), severity: severity, subject: subject, reason: reason, message: message)
    }
}

struct StreamEntry {
    var id: String
    var fields: [String: String]
}

extension RedisValue {
    /// As XRANGE gives them.
    var streamEntries: [StreamEntry] {
        (array ?? []).compactMap { entry in
            guard let parts = entry.array, parts.count == 2, let id = parts[0].string, let fields = parts[1].fields
            else { return nil }
            return StreamEntry(id: id, fields: fields)
        }
    }
}
