internal import ArgumentParser
internal import JSON
internal import Model
internal import Output
internal import Programs
internal import Store

/// `get servers|apps|schedules|instances|resources [NAME]`: listings.
struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List servers, apps, schedules, instances or resources.")

    enum What: String, CaseIterable, ExpressibleByArgument {
        case servers, apps, schedules, instances, resources

        /// In the singular too.
        init?(argument: String) {
            let word = argument.lowercased()
            guard let what = Self.allCases.first(where: { $0.rawValue == word || $0.rawValue == word + "s" }) else {
                return nil
            }
            self = what
        }
    }

    /// An agent that reported within this time is there.
    private static let reportedLately = Duration.seconds(60)

    @OptionGroup var options: StoreOptions

    @Argument(help: "servers, apps, schedules, instances or resources.")
    var what: What

    @Argument(help: "One of them by name; of instances also all of an app or of a server.")
    var name: String?

    @Option(name: .shortAndLong, help: "table, json or name.")
    var output: OutputFormat = .table

    func run() async throws {
        try await options.withStore { store in
            let now = try await store.now()
            switch what {
            case .instances: try await instances(store, now)
            case .servers: try await resources([.server], store, now)
            case .apps: try await resources([.app], store, now)
            case .schedules: try await resources([.schedule], store, now)
            case .resources: try await resources(Kind.allCases, store, now)
            }
        }
    }

    private func resources(_ kinds: [Kind], _ store: any OperationsStore, _ now: Timestamp) async throws {
        var found: [StoredResource] = []
        for kind in kinds { found += try await store.resources(kind) }
        if what == .servers { try await noteUndeclared(Set(found.map(\.key.name)), store, now) }
        if let name {
            let wanted = found.filter { $0.key.name == name || $0.key.description.lowercased() == name.lowercased() }
            if wanted.isEmpty {
                throw Reference.missing(name, near: Nearest.name(to: name, among: found.map(\.key.name)))
            }
            found = wanted
        }
        if output == .name {
            Console.out(found.map(\.key).sorted().map { "\($0)\n" }.joined())
            return
        }
        var rows = try await Rows.of(found, in: store, at: now)
        if what == .servers {
            let counts = try await Fleet.instanceIDs(store).reduce(into: [:]) { $0[$1.server, default: 0] += 1 }
            for index in rows.indices { rows[index].instances = counts[rows[index].resource.key.name] ?? 0 }
        }
        switch output {
        case .json: Console.out([what.rawValue: .array(rows.map { ResourceListing.document($0, now: now) })])
        case .table, .name: Console.out(table(rows, now).text(Console.paint))
        }
        try Rows.failOnDamaged(found)
    }

    /// An agent whose name is misspelt, or whose Server was not applied, is in no list.
    private func noteUndeclared(_ declared: Set<String>, _ store: any OperationsStore, _ now: Timestamp) async throws {
        let reports = try await store.silentServers(before: now + Self.reportedLately)
        let long = now + (.zero - Self.reportedLately)
        let undeclared = reports.filter { $0.value >= long && !declared.contains($0.key) }.keys.sorted()
        if !undeclared.isEmpty { Console.note("reports, but no Server is declared: \(listed(undeclared))") }
    }

    private func table(_ rows: [ResourceRow], _ now: Timestamp) -> Table {
        switch what {
        case .servers: ResourceListing.servers(rows, now: now)
        case .apps: ResourceListing.apps(rows, now: now)
        case .schedules: ScheduleListing.table(rows, now: now)
        case .resources, .instances: ResourceListing.resources(rows, now: now)
        }
    }

    private func instances(_ store: any OperationsStore, _ now: Timestamp) async throws {
        var ids = try await Fleet.instanceIDs(store)
        if let name {
            let wanted = ids.filter { $0.description == name || $0.app == name || $0.server == name }
            if wanted.isEmpty {
                let known = Set(ids.flatMap { [$0.description, $0.app ?? $0.server, $0.server] })
                throw Reference.missing(name, near: Nearest.name(to: name, among: known))
            }
            ids = wanted
        }
        if output == .name {
            Console.out(ids.map { "\($0)\n" }.joined())
            return
        }
        var snapshots: [InstanceSnapshot] = []
        let isWhole = try await Fleet.forEach(ids, in: store, assignments: .full) { snapshots += $0 }
        switch output {
        case .json: Console.out(["instances": .array(snapshots.map(InstanceListing.document))])
        case .table, .name: Console.out(InstanceListing.table(snapshots, now: now).text(Console.paint))
        }
        if !isWhole { throw CommandFailure.silent(CommandFailure.error) }
    }
}
