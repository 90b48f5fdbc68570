// What the resources of a run are to each other, and to what the store holds: names, dependencies, placement.

internal import JSON
internal import Model

struct SetCheck {
    /// A resource with its file.
    struct Member {
        var reading: ResourceReading
        var places: Places
        /// The order among all of the run.
        var file: Int
    }

    private let members: [Member]
    private let context: ManifestContext
    /// Labels by name: of the given servers, and of the stored ones that are not given.
    private var servers: [String: [String: String]] = [:]
    /// The first resource of each name.
    private var first: [ResourceKey: Int] = [:]
    /// By the index of the member they are in.
    private(set) var errors: [(member: Int, finding: Finding)] = []
    private(set) var warnings: [(member: Int, finding: Finding)] = []

    init(_ members: [Member], context: ManifestContext) {
        self.members = members
        self.context = context
        checkNames()
        servers = knownServers()
        checkCycles()
        for (index, member) in members.enumerated() where member.reading.kind == .app { checkApp(index) }
        for (index, member) in members.enumerated() where member.reading.kind == .schedule { checkSchedule(index) }
        for (index, member) in members.enumerated() {
            checkConfig(index)
            let suspicions = Suspicions(of: member.reading.manifest, at: member.reading.base, now: context.now)
            warnings += suspicions.findings.map { (index, $0) }
        }
        warnings += SharedFields(members, servers: servers).warnings
    }

    // MARK: Names

    private mutating func checkNames() {
        for (index, member) in members.enumerated() {
            guard let key = member.reading.key else { continue }
            guard let other = first[key] else {
                first[key] = index
                continue
            }
            let place = members[other].places.origin(of: members[other].reading.base + ["metadata", "name"])
            error(
                index, ["metadata", "name"],
                "expected each resource once, found \(key) again, which is declared at \(place)",
                hint: "remove one of the two, or give it another name")
        }
    }

    // MARK: Dependencies

    private func dependencies(of app: String) -> [String] {
        if let index = first[ResourceKey(.app, app)] {
            return (members[index].reading.manifest["spec"]?["dependsOn"]?.object ?? [:]).keys.sorted()
        }
        return (context.apps[app] ?? []).sorted()
    }

    private mutating func checkCycles() {
        let apps = first.keys.filter { $0.kind == .app }.map(\.name).sorted()
        var cycles = CycleSearch(dependencies: dependencies(of:))
        for app in apps { cycles.visit(from: app) }
        for cycle in cycles.found {
            // Told at the first of the given Apps on it; one that is only stored has no place.
            guard let start = cycle.indices.first(where: { first[ResourceKey(.app, cycle[$0])] != nil }),
                let index = first[ResourceKey(.app, cycle[start])]
            else { continue }
            let turned = cycle[start...] + cycle[..<start]
            let next = turned.dropFirst().first ?? cycle[start]
            let shown = (turned + [cycle[start]]).joined(separator: " → ")
            error(
                index, ["spec", "dependsOn", .key(next)], "expected no cycle of dependencies, found \(shown)",
                spot: .key, hint: "remove one of them")
        }
    }

    // MARK: Apps

    private mutating func checkApp(_ index: Int) {
        guard let spec = members[index].reading.manifest["spec"], spec["placement"]?.object != nil else { return }
        for app in (spec["dependsOn"]?.object ?? [:]).keys {
            if first[ResourceKey(.app, app)] == nil, context.apps[app] == nil {
                warn(index, ["spec", "dependsOn", .key(app)], "there is no App \(Words.quoted(app)) yet", spot: .key)
            }
        }
        switch SpecBuilder.placement(spec["placement"]) {
        case .servers(let names): checkListed(index, names, spec)
        case .selector(let labels, let count): checkSelected(index, labels, count, spec)
        }
    }

    private mutating func checkListed(
        _ index: Int, _ names: [String], _ spec: JSONValue
    ) {
        for server in (spec["servers"]?.object ?? [:]).keys where !names.contains(server) {
            error(
                index, ["spec", "servers", .key(server)],
                "expected a server of placement.servers, found \(Words.quoted(server))", spot: .key,
                hint: NearestName.hint(for: server, among: names, listing: true))
        }
        let missing = names.filter { servers[$0] == nil }
        guard !missing.isEmpty else { return }
        let whole = missing.count == names.count ? ", so the App runs nowhere" : ""
        warn(index, ["spec", "placement", "servers"], "there is no Server \(Words.list(missing, "or")) yet\(whole)")
    }

    private mutating func checkSelected(
        _ index: Int, _ labels: [String: String], _ count: Int?, _ spec: JSONValue
    ) {
        let selected = servers.filter { server in labels.allSatisfy { server.value[$0.key] == $0.value } }
        if selected.isEmpty {
            warn(
                index, ["spec", "placement", "selector"],
                "selects none of the known servers (\(servers.count)), so the App runs nowhere")
            return
        }
        if let count, count > selected.count {
            warn(
                index, ["spec", "placement", "count"],
                "wants \(count) servers, and the selector has only \(selected.count)")
        }
        for server in (spec["servers"]?.object ?? [:]).keys where selected[server] == nil {
            warn(
                index, ["spec", "servers", .key(server)],
                "overrides a server that is not selected, so it has no effect", spot: .key)
        }
    }

    // MARK: Schedules

    private mutating func checkSchedule(_ index: Int) {
        guard let spec = members[index].reading.manifest["spec"] else { return }
        if let app = spec["run"]?["app"]?.string { checkAction(index, app, spec["run"]?["action"]?.string) }
        for (number, step) in (spec["run"]?["steps"]?.array ?? []).enumerated() {
            guard let app = step["app"]?.string, actions(of: app) == nil else { continue }
            warn(
                index, ["spec", "run", "steps", .index(number), "app"],
                "there is no App \(Words.quoted(app)) yet")
        }
        guard let on = spec["on"] else { return }
        switch RunBuilder.targets(on) {
        case .servers(let names):
            let missing = names.filter { servers[$0] == nil }
            guard !missing.isEmpty else { return }
            warn(index, ["spec", "on", "servers"], "there is no Server \(Words.list(missing, "or")) yet")
        case .selector(let labels), .any(_, let labels):
            if servers.values.contains(where: { of in labels.allSatisfy { of[$0.key] == $0.value } }) { return }
            warn(index, ["spec", "on"], "selects none of the known servers (\(servers.count)), so it runs nowhere")
        case .instances: return
        }
    }

    private mutating func checkAction(_ index: Int, _ app: String, _ action: String?) {
        guard let actions = actions(of: app) else {
            return warn(index, ["spec", "run", "app"], "there is no App \(Words.quoted(app)) yet")
        }
        guard let action, !actions.contains(action) else { return }
        error(
            index, ["spec", "run", "action"],
            "expected an action of App/\(app), found \(Words.quoted(action)), which it has not",
            hint: NearestName.hint(for: action, among: actions.sorted(), listing: true))
    }

    /// nil: there is no such App.
    private func actions(of app: String) -> Set<String>? {
        let own: Set<String>
        if let index = first[ResourceKey(.app, app)] {
            own = Set((members[index].reading.manifest["spec"]?["actions"]?.object ?? [:]).keys)
        } else if context.apps[app] != nil {
            own = context.actions[app] ?? []
        } else {
            return nil
        }
        return own.union(RunWork.builtIn)
    }

    private func knownServers() -> [String: [String: String]] {
        var servers = context.servers
        for (key, index) in first where key.kind == .server {
            let labels = members[index].reading.manifest["metadata"]?["labels"]?.object ?? [:]
            servers[key.name] = labels.compactMapValues(\.string)
        }
        return servers
    }

    private mutating func checkConfig(_ index: Int) {
        for (key, value) in members[index].reading.manifest["spec"]?["config"]?.object ?? [:] {
            guard let text = value.string, text.contains("${") else { continue }
            warn(index, ["spec", "config", .key(key)], "has a ${ in it, and config values are literals")
        }
    }

    // MARK: Findings

    private mutating func error(
        _ index: Int, _ path: [PathElement], _ message: String, spot: Finding.Spot = .value, hint: String? = nil
    ) {
        let path = members[index].reading.base + path
        errors.append((index, Finding(path: path, spot: spot, message: message, hint: hint)))
    }

    private mutating func warn(
        _ index: Int, _ path: [PathElement], _ message: String, spot: Finding.Spot = .value
    ) {
        warnings.append((index, Finding(path: members[index].reading.base + path, spot: spot, message: message)))
    }
}
