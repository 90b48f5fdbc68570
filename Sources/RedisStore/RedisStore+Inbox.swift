// The inbox: all of it is in the slot of `{ctl}`, where the leader's lock is, too.

internal import Model
public import Redis
public import Store

extension RedisStore: InboxStore {
    public func lookIntoInbox(_ lists: [String]) async throws(StoreError) -> InboxLook {
        let names = [keys.inbox] + lists
        let commands = names.map { RedisCommand("LLEN", key: $0) } + [RedisCommand("HLEN", key: keys.inboxTaken)]
        var look = InboxLook(hasItems: false)
        for (index, result) in await results(of: commands).enumerated() {
            do throws(RedisError) {
                if try result.get().int ?? 0 > 0 { look.hasItems = true }
            } catch {
                guard index < names.count, error.replyCode == "WRONGTYPE" else {
                    throw StoreError(error, isWrite: false)
                }
                look.damaged.append(names[index])
            }
        }
        return look
    }

    public func takeFromInbox(_ lists: [String], lease: Lease) async throws(StoreError) -> [InboxItem] {
        let reply =
            try await call(
                Scripts.takeInbox, keys: keys.inboxKeys + [keys.inboxNumber, keys.inbox] + lists,
                inboxArguments(lease) + [
                    .int(InboxBounds.taken), .int(InboxBounds.batchBytes), .int(RunBounds.jobBytes),
                ]
            ).array ?? []
        var items: [InboxItem] = []
        for index in stride(from: 0, to: reply.count - 1, by: 2) {
            guard let id = reply[index].string, let text = reply[index + 1].bytes else { continue }
            items.append(InboxItem(id: id, text: text))
        }
        return items.sorted { $0.number < $1.number }
    }

    public func settleInbox(_ settlements: [InboxSettlement], lease: Lease) async throws(StoreError) {
        let calls = settlements.map { settlement in
            RedisScriptCall(
                Scripts.settleInbox, keys: keys.inboxKeys, inboxArguments(lease) + settlement.arguments(keys))
        }
        for result in await client.scripts(calls) {
            do throws(RedisError) { _ = try result.get() } catch { throw StoreError(error, isWrite: true) }
        }
    }

    public func inboxRecord(_ id: String) async throws(StoreError) -> InboxRecord? {
        let key = keys.inboxRecord(id)
        guard let fields = try await read(RedisCommand("HGETALL", key: key)).fields, !fields.isEmpty else { return nil }
        guard let own = fields["id"], let at = fields["at"].flatMap({ Int64($0) }), let state = fields["state"],
            ["accepted", "refused"].contains(state)
        else { throw .corrupt(key: key, "expected id, at, and state accepted or refused") }
        let words = ["jobs", "states", "keys"].map { (fields[$0] ?? "").split(separator: " ").map(String.init) }
        return InboxRecord(
            id: own, settledAt: Timestamp(milliseconds: at), refusal: state == "refused" ? fields["reason"] ?? "" : nil,
            count: fields["count"].flatMap { Int($0) } ?? 0, jobs: words[0], states: words[1], keys: words[2])
    }

    public func refusedInbox(limit: Int) async throws(StoreError) -> [RefusedItem] {
        guard limit > 0 else { return [] }
        let reply = try await read(RedisCommand("LRANGE", key: keys.inboxRefused, [.int(-limit), -1])).array ?? []
        // What somebody's hand put there, and is none, hides no other.
        return reply.compactMap { $0.bytes.flatMap { RefusedItem(stored: $0) } }.reversed()
    }

    private func inboxArguments(_ lease: Lease) -> [RedisArgument] { lease.arguments + [.string(keys.inboxRecord(""))] }
}

extension RedisStore {
    /// Why lists of these names cannot be read as inboxes, in one line; nil if they can.
    public static func problem(ofInboxes names: [String], url: RedisURL, prefix: String) -> String? {
        guard names.count <= InboxBounds.lists else {
            return "at most \(InboxBounds.lists) lists can be inboxes, not \(names.count)"
        }
        for name in names {
            let isPlain = name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
            guard (1...InboxBounds.longestList).contains(name.utf8.count), isPlain else {
                return
                    "an inbox is the name of a list: 1 to \(InboxBounds.longestList) bytes without control characters"
            }
            if name.hasPrefix("\(prefix):{") { return "\(name) is a name of our own keys: choose another for an inbox" }
            guard case .cluster = url.target else { continue }
            if RedisSlot.of(name) != RedisSlot.of("{ctl}") {
                return "\(name) is in another slot of the cluster than the leader's lock: put {ctl} into its name"
            }
        }
        return nil
    }
}

extension InboxSettlement {
    fileprivate func arguments(_ keys: Keyspace) -> [RedisArgument] {
        let own: [RedisArgument] = [.string(id), .string(name ?? "")]
        switch verdict {
        case .refused(let reason):
            return own + ["refused", .string(InboxBounds.reason(reason)), "0", "", "", ""]
        case .accepted(let jobs):
            let listed = jobs.prefix(InboxBounds.listedJobs)
            let lists = [
                listed.map(\.reference), listed.map(\.outcome.word), listed.map { keys.runResult($0.id, on: $0.queue) },
            ]
            return own + ["accepted", "", .int(jobs.count)]
                + lists.map { .string($0.joined(separator: " ")) }
        }
    }
}

extension RefusedItem {
    /// `id at reason`, a newline, and what was pushed.
    fileprivate init?(stored bytes: [UInt8]) {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let head = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ", maxSplits: 2)
        guard head.count == 3, let at = Int64(head[1]) else { return nil }
        self.init(
            id: String(head[0]), refusedAt: Timestamp(milliseconds: at), reason: String(head[2]),
            text: Array(bytes[(end + 1)...]))
    }
}
