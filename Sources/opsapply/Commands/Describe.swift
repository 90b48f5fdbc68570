internal import ArgumentParser
internal import JSON
internal import Manifests
internal import Model
internal import Output
internal import Programs
internal import Store

/// `describe app/webapp | server/x | webapp@server1`: everything about one thing.
struct Describe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Tell everything about one resource or instance.")

    /// Jobs and events that are shown of each thing.
    private static let shown = 10
    /// Events that are looked through for those of this thing.
    private static let searchedEvents = 500

    @OptionGroup var options: StoreOptions

    @Argument(help: "app/webapp, server/server1, webapp@server1, or a name that only one thing has.")
    var name: String

    @Option(name: .shortAndLong, help: "table or json.")
    var output: DocumentFormat = .table

    func run() async throws {
        try await options.withStore { store in
            let now = try await store.now()
            if try await describeDeleted(store, now) { return }
            switch try await Reference.find(name, in: store) {
            case .resource(let key): try await describe(key, store, now)
            case .instance(let id): try await describe(id, store, now)
            }
        }
    }

    private func describe(_ key: ResourceKey, _ store: any OperationsStore, _ now: Timestamp) async throws {
        guard let resource = try await Desired.resource(key, in: store) else {
            throw Reference.missing(name, near: nil)
        }
        let ids = try await Fleet.instanceIDs(store).filter { id in
            switch key.kind {
            case .app: id.app == key.name
            case .server: id.server == key.name
            case .schedule: false
            }
        }
        let subjects = Set([key.description] + ids.map(\.description))
        let description = ResourceDescription(
            row: try await Rows.row(resource, in: store), instances: try await Fleet.snapshots(ids, in: store),
            jobs: try await jobs(of: Set(ids), store), events: try await events(about: subjects, store))
        switch output {
        case .table: Console.out(description.text(now: now, Console.paint))
        case .json: Console.out(description.document(now: now))
        }
        try Rows.failOnDamaged([resource])
    }

    private func describe(_ id: InstanceID, _ store: any OperationsStore, _ now: Timestamp) async throws {
        let description = InstanceDescription(
            snapshot: try await store.instance(id), isStale: try await isStale(id.server, store, now),
            jobs: try await jobs(of: [id], store),
            events: try await events(about: [id.description], store))
        switch output {
        case .table: Console.out(description.text(now: now, Console.paint))
        case .json: Console.out(description.document())
        }
    }

    private func isStale(_ server: String, _ store: any OperationsStore, _ now: Timestamp) async throws -> Bool {
        guard let observed = try await store.observedServer(server) else { return true }
        let resource = try await Desired.resource(ResourceKey(.server, server), in: store)
        let monitor = resource.flatMap { try? Desired.read($0) }?.manifest.server?.monitor ?? MonitorSpec()
        return monitor.hash == nil && observed.isStale(every: monitor.every, at: now)
    }

    private func jobs(of ids: Set<InstanceID>, _ store: any OperationsStore) async throws -> [JobRecord] {
        var records: [JobRecord] = []
        for server in Set(ids.map(\.server)).sorted() {
            let some = try await store.jobs(server: server, limit: QueueBounds.endedJobsKept)
            records += some.filter { ids.contains($0.job.plan.instance) }
        }
        return Array(records.sorted { $0.enqueuedAt > $1.enqueuedAt }.prefix(Self.shown))
    }

    private func events(about subjects: Set<String>, _ store: any OperationsStore) async throws -> [Event] {
        let events = try await store.events(limit: Self.searchedEvents).filter { subjects.contains($0.subject) }
        return Array(events.suffix(Self.shown))
    }
}
