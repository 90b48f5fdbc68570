// How a person names a job of a run: `server1/ID`, `@role=web/ID`, or the ID alone, wherever it is.

internal import Model
internal import Output
internal import Store

struct JobReference: Hashable {
    var queue: RunQueue
    var id: String

    var text: String { "\(queue)/\(id)" }

    /// What lines of its output begin with: its server, and where one server can have several of a run, which of them.
    func name(on server: String?) -> String {
        guard case .pool = queue, let server else { return "\(queue)" }
        guard let dot = id.lastIndex(of: "."), let number = Int(id[id.index(after: dot)...]) else { return server }
        return "\(server) #\(number)"
    }

    /// Columns of `name`, as far as they are known before any server took it.
    var nameWidth: Int {
        guard case .server(let server) = queue else { return 0 }
        return server.columns
    }

    /// Reads what was typed; for an ID alone, all queues are searched.
    static func find(_ text: String, in store: any OperationsStore) async throws -> [JobReference] {
        if let slash = text.lastIndex(of: "/") {
            guard let queue = RunQueue(String(text[..<slash])) else {
                throw CommandFailure(
                    "\(text.printable): a job is written server1/ID, @role=web/ID, or with its ID alone")
            }
            return [JobReference(queue: queue, id: try checked(String(text[text.index(after: slash)...])))]
        }
        let id = try checked(text)
        let queues = try await queues(store)
        let records = try await store.onEach(queues) { queue throws(StoreError) in
            try await store.runs([id], on: queue)
        }
        return zip(queues, records).compactMap { queue, found in
            found.first.flatMap { $0 } == nil ? nil : JobReference(queue: queue, id: id)
        }
    }

    /// Every queue: of all servers, and of all pools.
    static func queues(_ store: any OperationsStore) async throws -> [RunQueue] {
        let servers = try await Fleet.serverNames(store).map { RunQueue.server($0) }
        return servers + (try await store.pools()).map { .pool($0) }
    }

    private static func checked(_ id: String) throws -> String {
        guard RunBounds.isValid(id: id) else {
            throw CommandFailure(
                "\(id.isEmpty ? "nothing" : id.printable) is no id of a job: those are 1 to \(RunBounds.longestID) letters, digits, ., _ and -"
            )
        }
        return id
    }
}
