// The inbox.

internal import Model

struct InboxState {
    /// By name; the store's own is "".
    var lists: [String: [[UInt8]]] = [:]
    var taken: [String: [UInt8]] = [:]
    var lastNumber: Int64 = 0
    var refused: [RefusedItem] = []
    var records: [String: InboxRecord] = [:]
}

extension InMemoryState {
    private func checkLeads(_ lease: Lease) throws(StoreError) {
        guard self.lease?.lease == lease else { throw .fenced(epoch: lastEpoch) }
    }

    mutating func takeFromInbox(_ lists: [String], lease: Lease, now: Timestamp) throws(StoreError) -> [InboxItem] {
        try checkLeads(lease)
        var open = [""] + lists
        var bytes = 0
        while !open.isEmpty {
            for name in open {
                guard inbox.taken.count < InboxBounds.taken, bytes < InboxBounds.batchBytes else { return takenItems }
                guard let text = inbox.lists[name]?.first else {
                    open.removeAll { $0 == name }
                    continue
                }
                inbox.lists[name]?.removeFirst()
                bytes += text.count
                inbox.lastNumber = max(inbox.lastNumber + 1, now.milliseconds)
                let id = InboxItem.id(inbox.lastNumber)
                inbox.taken[id] = text
                guard text.count > RunBounds.jobBytes else { continue }
                settle(InboxSettlement(id: id, verdict: .refused(InboxBounds.tooLarge(text.count))), now: now)
            }
        }
        return takenItems
    }

    private var takenItems: [InboxItem] {
        inbox.taken.map { InboxItem(id: $0.key, text: $0.value) }.sorted { $0.number < $1.number }
    }

    mutating func settleInbox(_ settlements: [InboxSettlement], lease: Lease, now: Timestamp) throws(StoreError) {
        try checkLeads(lease)
        for settlement in settlements { settle(settlement, now: now) }
    }

    private mutating func settle(_ settlement: InboxSettlement, now: Timestamp) {
        guard let text = inbox.taken.removeValue(forKey: settlement.id) else { return }
        var record = InboxRecord(id: settlement.id, settledAt: now)
        switch settlement.verdict {
        case .accepted(let jobs):
            record.count = jobs.count
            let listed = jobs.prefix(InboxBounds.listedJobs)
            record.jobs = listed.map(\.reference)
            record.states = listed.map(\.outcome.word)
            record.keys = record.jobs
        case .refused(let reason):
            let reason = InboxBounds.reason(reason)
            record.refusal = reason
            inbox.refused.append(
                RefusedItem(
                    id: settlement.id, refusedAt: now, reason: reason, text: Array(text.prefix(InboxBounds.keptBytes))))
            inbox.refused = inbox.refused.suffix(InboxBounds.refused)
        }
        inbox.records[settlement.id] = record
        if let name = settlement.name {
            let first = inbox.records[name]
            if record.refusal == nil || first == nil || first?.refusal != nil { inbox.records[name] = record }
        }
        forgetInboxRecords(now: now)
    }

    private mutating func forgetInboxRecords(now: Timestamp) {
        inbox.records = inbox.records.filter { now - $0.value.settledAt < InboxBounds.recordsFor }
        let excess = inbox.records.count - InboxBounds.records
        guard excess > 0 else { return }
        for oldest in inbox.records.sorted(by: { $0.value.settledAt < $1.value.settledAt }).prefix(excess) {
            inbox.records[oldest.key] = nil
        }
    }

    func inboxRecord(_ id: String, now: Timestamp) -> InboxRecord? {
        inbox.records[id].flatMap { now - $0.settledAt < InboxBounds.recordsFor ? $0 : nil }
    }
}

extension InboxJob {
    public var reference: String { "\(queue)/\(id)" }
}

extension Enqueued {
    /// `created`, or the state of the first.
    public var word: String {
        switch self {
        case .created: "created"
        case .known(let state): state.rawValue
        }
    }
}

extension InMemoryStore {
    /// What RPUSH by anybody does; no list: the store's own.
    public func push(_ text: String, to list: String = "") { push(Array(text.utf8), to: list) }
    public func push(_ text: [UInt8], to list: String = "") { state.inbox.lists[list, default: []].append(text) }
}

extension InMemoryStore: InboxStore {
    public func lookIntoInbox(_ lists: [String]) throws(StoreError) -> InboxLook {
        try run { state, _ in
            let isPushed = ([""] + lists).contains { state.inbox.lists[$0]?.isEmpty == false }
            return InboxLook(hasItems: isPushed || !state.inbox.taken.isEmpty)
        }
    }

    public func takeFromInbox(_ lists: [String], lease: Lease) throws(StoreError) -> [InboxItem] {
        try run { state, now throws(StoreError) in try state.takeFromInbox(lists, lease: lease, now: now) }
    }

    public func settleInbox(_ settlements: [InboxSettlement], lease: Lease) throws(StoreError) {
        try run { state, now throws(StoreError) in try state.settleInbox(settlements, lease: lease, now: now) }
    }

    public func inboxRecord(_ id: String) throws(StoreError) -> InboxRecord? {
        try run { state, now in state.inboxRecord(id, now: now) }
    }

    public func refusedInbox(limit: Int) throws(StoreError) -> [RefusedItem] {
        try run { state, _ in state.inbox.refused.suffix(max(0, limit)).reversed() }
    }
}
