// Reading many instances without holding them all.

internal import Model
internal import Output
internal import Store
internal import Synchronization

enum Fleet {
    /// Instances read in one pipeline.
    static let batch = 512

    /// The ids of all instances, of all shards, in order.
    static func instanceIDs(_ store: any OperationsStore) async throws -> [InstanceID] {
        try await withThrowingTaskGroup(of: [InstanceID].self) { group in
            for shard in 0..<StoreLayout.shards { group.addTask { try await store.instanceIDs(shard: shard) } }
            var ids: [InstanceID] = []
            for try await some in group { ids += some }
            return ids.sorted()
        }
    }

    /// The names of all servers: those declared, those that still have instances, and those deleted, so that what they
    /// did stays within reach.
    static func serverNames(_ store: any OperationsStore) async throws -> [String] {
        var names = Set(try await store.resources(.server).map(\.key.name))
        names.formUnion(try await instanceIDs(store).map(\.server))
        names.formUnion(try await store.tombstones(.server).map(\.key.name))
        return names.sorted()
    }

    /// Reads instances in batches and gives each batch to `body`, in order. The next batch is read meanwhile. Returns
    /// whether all could be read; those that could not are left out, and named on standard error.
    static func forEach(
        _ ids: [InstanceID], in store: any OperationsStore, assignments: AssignmentDetail = .head,
        _ body: ([InstanceSnapshot]) async throws -> Void
    ) async throws -> Bool {
        let parts = stride(from: 0, to: ids.count, by: batch).map { ids[$0..<min($0 + batch, ids.count)] }
        guard let first = parts.first else { return true }
        var current = try await read(Array(first), assignments, store)
        var count = 0
        for following in parts.dropFirst() {
            async let next = read(Array(following), assignments, store)
            count += current.count
            try await body(current)
            current = try await next
        }
        try await body(current)
        return count + current.count == ids.count
    }

    @concurrent private static func read(
        _ ids: [InstanceID], _ assignments: AssignmentDetail, _ store: any OperationsStore
    ) async throws -> [InstanceSnapshot] {
        let gathered = Gathered()
        try await store.instances(ids, assignments: assignments) { snapshot in gathered.add(snapshot) }
        return readable(gathered.take())
    }

    /// Without those that cannot be read, which are named on standard error.
    private static func readable(_ snapshots: [InstanceSnapshot]) -> [InstanceSnapshot] {
        snapshots.filter { snapshot in
            guard let problem = snapshot.problem else { return true }
            Console.note("warning: \(snapshot.id) is left out: \(problem)".printable)
            return false
        }
    }

    /// All of these instances at once, but for those that cannot be read: for listings.
    static func snapshots(_ ids: [InstanceID], in store: any OperationsStore) async throws -> [InstanceSnapshot] {
        var all: [InstanceSnapshot] = []
        _ = try await forEach(ids, in: store, assignments: .full) { all += $0 }
        return all
    }
}

/// What a pipeline's handler collects.
private final class Gathered: Sendable {
    private let snapshots = Mutex<[InstanceSnapshot]>([])

    func add(_ snapshot: InstanceSnapshot) { snapshots.withLock { $0.append(snapshot) } }
    func take() -> [InstanceSnapshot] { snapshots.withLock { $0 } }
}
