// Turns what somebody wants run into jobs on queues: which servers, which steps, and what their templates stand for. Pure,
// so that `opsapply run`, the inbox and schedules do the same, and the same request under the same id is the same jobs.

internal import Calendar
public import Model

/// What is known of the fleet when a run is planned.
public struct RunFleet: Sendable {
    public struct Server: Sendable {
        public var labels: [String: String]
        public var address: String
        /// The hash that another collector writes in place of its agent, if one does.
        public var collectorHash: String?

        public init(labels: [String: String], address: String, collectorHash: String? = nil) {
            self.labels = labels
            self.address = address
            self.collectorHash = collectorHash
        }
    }

    /// Declared Servers by name.
    public var servers: [String: Server]
    public var apps: [String: AppSpec]
    /// By App: the servers that it has instances on. Needed only where `RequestPlanner.asksForInstances` says so.
    public var instances: [String: [String]]

    public init(servers: [String: Server], apps: [String: AppSpec], instances: [String: [String]] = [:]) {
        self.servers = servers
        self.apps = apps
        self.instances = instances
    }
}

/// Jobs, by the queue that they go to.
public struct RunPlan: Sendable, Hashable {
    public var jobs: [(queue: RunQueue, jobs: [RunJob])] {
        queues.sorted { $0.key < $1.key }.map { (queue: $0.key, jobs: $0.value) }
    }
    /// Servers that take from a pool that is used: whoever enqueues sees to it that they know.
    public var members: [Pool: [String]]
    private var queues: [RunQueue: [RunJob]]

    init(queues: [RunQueue: [RunJob]], members: [Pool: [String]] = [:]) {
        self.queues = queues
        self.members = members
    }

    public var queueNames: [RunQueue] { queues.keys.sorted() }
}

/// Why a request leads to no job, for people.
public struct RequestProblem: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String
    /// Where a name is not known: that name, and those that could have been meant.
    public var unknown: (name: String, known: [String])? { missing.map { ($0.name, $0.known) } }
    private let missing: Missing?

    private struct Missing: Hashable {
        var name: String
        var known: [String]
    }

    init(_ description: String) {
        self.description = description
        missing = nil
    }

    init(_ description: String, unknown name: String, among known: some Sequence<String>) {
        self.description = description
        missing = Missing(name: name, known: known.sorted())
    }
}

public struct RequestPlanner: Sendable {
    /// How this run is called and where it comes from.
    public struct Identity: Sendable {
        public var id: String
        public var origin: String
        /// The time that it is for: `${run.time}`, in whole seconds.
        public var time: Timestamp
        /// Whether a schedule named that time.
        public var isScheduled: Bool
        public var deadline: Timestamp?

        public init(
            id: String, origin: String, time: Timestamp, isScheduled: Bool = false, deadline: Timestamp? = nil
        ) {
            self.id = id
            self.origin = origin
            self.time = time
            self.isScheduled = isScheduled
            self.deadline = deadline
        }
    }

    private let fleet: RunFleet
    /// What the selectors of many requests match.
    private var matches: [[String: String]: [String]] = [:]

    /// `requests` are those that are going to be planned: what several of them select alike is looked for once.
    public init(_ fleet: RunFleet, for requests: [RunRequest] = []) {
        self.fleet = fleet
        for case .selector(let selector) in requests.map(\.targets) where matches[selector] == nil {
            matches[selector] = names(matching: selector)
        }
    }

    /// Whether the servers of the App can be told only by where its instances are.
    public static func asksForInstances(_ request: RunRequest, _ apps: [String: AppSpec]) -> String? {
        guard case .instances = request.targets, case .action(let name, _) = request.work,
            case .selector(_, count: .some)? = apps[name]?.placement
        else { return nil }
        return name
    }

    public func plan(_ request: RunRequest, _ identity: Identity) throws(RequestProblem) -> RunPlan {
        // Of several jobs the last has the longest id.
        var longest = identity.id
        if case .any(let count, _) = request.targets, count > 1 { longest += ".\(count)" }
        guard RunBounds.isValid(id: longest) else {
            throw RequestProblem(
                "the id must be 1 to \(RunBounds.longestID) letters, digits, ., _ and -, and not begin with a dot")
        }
        let action = try action(of: request.work)
        if case .any(let count, let selector) = request.targets {
            return try pooled(request, action, identity, count: count, selector)
        }
        var queues: [RunQueue: [RunJob]] = [:]
        for server in try servers(of: request) {
            queues[.server(server)] = [try job(request, action, identity, id: identity.id, on: server)]
        }
        return RunPlan(queues: queues)
    }

    // MARK: where

    /// Those that it may run on: the servers whose measurements a condition looks at.
    public func servers(of request: RunRequest) throws(RequestProblem) -> [String] {
        switch request.targets {
        case .servers(let names):
            if let stranger = names.first(where: { fleet.servers[$0] == nil }) {
                throw RequestProblem(
                    "there is no Server \(stranger)", unknown: stranger, among: fleet.servers.keys)
            }
            guard !names.isEmpty else { throw RequestProblem("no server is named") }
            return names
        case .selector(let selector): return try matching(selector)
        case .any(_, let selector): return try matching(selector)
        case .instances:
            guard case .action(let app, _) = request.work else {
                throw RequestProblem("steps that belong to no App need servers to run on")
            }
            let names = instances(of: app)
            guard !names.isEmpty else { throw RequestProblem("App \(app) has no instance on any server") }
            return names
        }
    }

    /// Of these servers, those whose measurements another collector writes, and into which hash.
    public func collectors(of servers: [String]) -> [String: String] {
        servers.reduce(into: [:]) { $0[$1] = fleet.servers[$1]?.collectorHash }
    }

    private func instances(of app: String) -> [String] {
        switch fleet.apps[app]?.placement {
        case .servers(let names)?: names.filter { fleet.servers[$0] != nil }.sorted()
        case .selector(let selector, count: nil)?: names(matching: selector)
        case .selector?, nil: (fleet.instances[app] ?? []).sorted()
        }
    }

    private func names(matching selector: [String: String]) -> [String] {
        if let known = matches[selector] { return known }
        return fleet.servers.filter { server in selector.allSatisfy { server.value.labels[$0.key] == $0.value } }.keys
            .sorted()
    }

    private func matching(_ selector: [String: String]) throws(RequestProblem) -> [String] {
        let found = names(matching: selector)
        guard !found.isEmpty else {
            let text = selector.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
            throw RequestProblem(selector.isEmpty ? "there is no Server" : "no Server has the labels \(text)")
        }
        return found
    }

    private func pooled(
        _ request: RunRequest, _ action: ActionSpec?, _ identity: Identity, count: Int, _ selector: [String: String]
    ) throws(RequestProblem) -> RunPlan {
        guard let pool = Pool(selector: selector) else {
            throw RequestProblem("any of a pool needs a selector with at least one label, such as role=web")
        }
        guard (1...RunBounds.largestCount).contains(count) else {
            throw RequestProblem("any takes 1 to \(RunBounds.largestCount), not \(count)")
        }
        let members = try matching(selector)
        var jobs: [RunJob] = []
        for number in 1...count {
            let id = count == 1 ? identity.id : "\(identity.id).\(number)"
            jobs.append(try job(request, action, identity, id: id, on: nil))
        }
        return RunPlan(queues: [.pool(pool): jobs], members: [pool: members])
    }

    // MARK: what

    /// nil for plain steps.
    private func action(of work: RunWork) throws(RequestProblem) -> ActionSpec? {
        guard case .action(let app, let name) = work else { return nil }
        guard let spec = fleet.apps[app] else {
            throw RequestProblem("there is no App \(app)", unknown: app, among: fleet.apps.keys)
        }
        if let action = spec.actions[name] { return action }
        switch name {
        case "restart": return ActionSpec(steps: [.restart(app: app, services: [])])
        case "upgrade": return ActionSpec(steps: [], options: RunOptions(isRepeatable: true))
        default:
            let known = (spec.actions.keys + RunWork.builtIn).sorted().joined(separator: ", ")
            throw RequestProblem("App \(app) has no action \(name); it has \(known)")
        }
    }

    private func steps(_ work: RunWork, _ action: ActionSpec?, on server: String?) throws(RequestProblem) -> [RunStep] {
        guard case .action(let app, let name) = work else {
            if case .steps(let steps) = work { return steps }
            return []
        }
        if let action, !action.steps.isEmpty { return action.steps }
        let workload = fleet.apps[app].map { spec in server.map { spec.workload(on: $0) } ?? spec.content }
        let packages = (workload?.packages ?? [:]).filter { $0.value != .absent }.keys.sorted()
        guard !packages.isEmpty else { throw RequestProblem("App \(app) has no packages to \(name)") }
        return [.upgrade(packages: packages)]
    }

    private func job(
        _ request: RunRequest, _ action: ActionSpec?, _ identity: Identity, id: String, on server: String?
    ) throws(RequestProblem) -> RunJob {
        let steps = try steps(request.work, action, on: server)
        let options = request.options
        return RunJob(
            id: id, steps: steps, origin: identity.origin,
            timeout: options.timeout ?? action?.options.timeout ?? RunBounds.timeout, deadline: identity.deadline,
            scheduledFor: identity.isScheduled ? identity.time : nil,
            values: try values(for: steps, request.work, identity, on: server),
            isRepeatable: options.isRepeatable ?? action?.options.isRepeatable ?? false,
            priority: options.priority ?? action?.options.priority ?? RunBounds.priority,
            maximumAttempts: 1 + (options.retries ?? action?.options.retries ?? 0))
    }

    // MARK: templates

    /// What the templates of these steps ask for; nil if none of them is one.
    private func values(
        for steps: [RunStep], _ work: RunWork, _ identity: Identity, on server: String?
    ) throws(RequestProblem) -> [String: String]? {
        let texts = steps.flatMap(\.texts).filter { $0.utf8.contains(UInt8(ascii: "$")) }
        guard !texts.isEmpty else { return nil }
        var app: String?
        if case .action(let name, _) = work { app = name }
        let spec = app.flatMap { fleet.apps[$0] }
        let config = (spec.map { spec in server.map { spec.workload(on: $0) } ?? spec.content })?.config ?? [:]
        var values: [String: String] = [:]
        for text in texts {
            for variable in try Self.variables(of: text) {
                switch variable {
                case .config(let key):
                    guard let value = config[key] else {
                        throw RequestProblem(
                            "${config.\(key)}: \(app.map { "App \($0)" } ?? "the run") has no such config")
                    }
                    values["config.\(key)"] = value
                case .appName:
                    guard let app else { throw RequestProblem("${app.name} is known in an App's action only") }
                    values["app.name"] = app
                case .server(.address):
                    guard let server, let address = fleet.servers[server]?.address else {
                        throw RequestProblem("${server.address} is not known where any server of a pool may run it")
                    }
                    values["server.address"] = address
                case .run(.time): values["run.time"] = identity.time.compact
                case .server, .run(.id): break
                }
            }
        }
        return values
    }

    private static func variables(of text: String) throws(RequestProblem) -> [Template.Variable] {
        do throws(Template.ParseError) { return try Template(parsing: text).variables } catch {
            switch error {
            case .unknownName(let name, _): throw RequestProblem("\(text): ${\(name)} is not known")
            case .unclosed: throw RequestProblem("\(text): ${ is not closed")
            }
        }
    }
}

extension RunBounds {
    /// Jobs of one run in one pool.
    public static let largestCount = 10_000
}

extension RunStep {
    /// Every text of it that may be a template.
    var texts: [String] {
        switch self {
        case .command(let command):
            command.command + command.environment.values + (command.unless ?? [])
                + [command.directory, command.creates, command.input, command.output, command.user].compactMap { $0 }
        case .restart(let app, let services): [app] + services
        case .upgrade(let packages): packages
        case .keep(let rule): [rule.folder, rule.pattern]
        }
    }
}
