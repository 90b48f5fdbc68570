// Deleting resources: what goes is shown first, a person says yes, and the wait ends when nothing of it is left.

internal import Model
internal import Output
internal import Store

struct Removal {
    private static let pollInterval = Duration.milliseconds(100)
    private static let shownServers = 10

    var keys: [ResourceKey]
    /// What the keys have on servers.
    var instances: [InstanceID]

    static func instances(of keys: [ResourceKey], in store: any OperationsStore) async throws -> [InstanceID] {
        let wanted = Set(keys)
        return try await Fleet.instanceIDs(store).filter { id in
            wanted.contains(id.resource) || wanted.contains(ResourceKey(.server, id.server))
        }
    }

    /// Shows what would go and asks; without a terminal it must have been said with `--yes`.
    func ask(yes: Bool) throws(CommandFailure) {
        for key in keys { Console.note("this deletes \(key)\(reach(of: key))") }
        if yes { return }
        guard Console.canAsk else {
            throw CommandFailure("nothing is deleted: there is no terminal to ask on; say --yes to delete it")
        }
        guard Console.ask("Delete \(keys.count == 1 ? "it" : "them")?") else {
            throw CommandFailure("nothing is deleted")
        }
    }

    private func reach(of key: ResourceKey) -> String {
        if key.kind == .schedule { return ", which then fires no more" }
        let own = instances.filter { $0.resource == key || (key.kind == .server && $0.server == key.name) }
        guard !own.isEmpty else { return ", of which nothing is on any server" }
        if key.kind == .server {
            return " and what is on it: \(listed(own.map(\.description), limit: Self.shownServers))"
        }
        let servers = own.map(\.server).sorted()
        return " and what it made on \(counted(servers.count, "server")): \(listed(servers, limit: Self.shownServers))"
    }

    func delete(from store: any OperationsStore) async throws {
        // Schedules before the Apps that they act on, and Apps before the servers that they are on.
        for key in keys.sorted(by: { (-$0.kind.rank, $0) < (-$1.kind.rank, $1) }) {
            let existed = try await store.delete(key, by: Person.current, expectedGeneration: nil)
            Console.out("\(key) \(existed ? "deleted" : "was gone already")\n")
        }
    }

    /// Waits until neither the controller nor an agent knows anything of the instances.
    func wait(in store: any OperationsStore, timeout: Duration) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        var open = instances
        var screen = LiveLines()
        var last = ""
        while true {
            let snapshots = try await Fleet.snapshots(open, in: store)
            let left = snapshots.filter { $0.control != nil || $0.observed != nil }
            open = left.map(\.id)
            let line =
                open.isEmpty
                ? "all removed  \((clock.now - start).measured)" : "\(counted(open.count, "instance")) left"
            if screen.isLive {
                screen.draw([line])
            } else if line != last {
                Console.aside(line + "\n")
            }
            last = line
            if open.isEmpty { return }
            guard clock.now - start < timeout else { throw timedOut(left, timeout) }
            try await Task.sleep(for: Self.pollInterval)
        }
    }

    private func timedOut(_ left: [InstanceSnapshot], _ timeout: Duration) -> CommandFailure {
        let reasons = left.prefix(Self.shownServers).map { snapshot in
            let control = snapshot.control
            let why = [control?.phase.rawValue, control?.message].compactMap { $0 }.filter { !$0.isEmpty }
            return "\(snapshot.id) is still there" + (why.isEmpty ? "" : ": " + why.joined(separator: ": ").printable)
        }
        return CommandFailure(reasons + ["gave up after \(timeout.measured)"], exitCode: CommandFailure.timedOut)
    }
}
