// What `run` is told on its command line, and the run that it makes of it.

internal import ArgumentParser
internal import Glibc
internal import Manifests
internal import Model
internal import Output
internal import Reconcilers
internal import Store

struct RunArguments: ParsableArguments {
    @Option(name: .customLong("on"), help: "A server; may be given several times.")
    var servers: [String] = []

    @Option(help: "Every server with these labels: role=web,zone=a.")
    var selector: String?

    @Option(help: "So many of the servers that --selector selects: whoever is free takes one.")
    var any: Int?

    @Option(help: "A JSON file of steps; - is standard input.")
    var steps: String?

    @Option(help: "How long it may take: 30s, 5m (default 1h).")
    var timeout: Span?

    @Option(help: "Attempts after the first that failed.")
    var retries: Int?

    @Option(help: "0 to 9, the higher first (default 5).")
    var priority: Int?

    @Flag(help: "It may be done again where nobody knows whether it was done.")
    var repeatable = false

    @Option(help: "Begin after this time.")
    var delay: Span?

    @Option(help: "Begin at this time, in RFC 3339.")
    var at: String?

    @Option(help: "Not to be begun, nor to go on, later than so long from now.")
    var deadline: Span?

    @Option(help: "Its id; the same id again is no second run.")
    var id: String?

    @Option(name: .customLong("env"), help: "NAME=VALUE for the command; may be given several times.")
    var environment: [String] = []

    @Option(help: "The folder that the command runs in.")
    var directory: String?

    @Option(help: "The user that the command runs as.")
    var user: String?

    func validate(what: String?, command: [String]) throws {
        let given = [what != nil, !command.isEmpty, steps != nil].filter { $0 }.count
        guard given == 1 else {
            throw ValidationError(
                given == 0
                    ? "nothing to run: expected a command after --, --steps FILE, APP/ACTION or schedule/NAME"
                    : "expected one of a command after --, --steps FILE, and APP/ACTION or schedule/NAME, found \(given)"
            )
        }
        if selector != nil, !servers.isEmpty { throw ValidationError("--on and --selector do not go together") }
        if any != nil, selector == nil { throw ValidationError("--any needs --selector with the labels of the pool") }
        if what == nil, servers.isEmpty, selector == nil {
            throw ValidationError("where? expected --on SERVER or --selector role=web")
        }
        if delay != nil, at != nil { throw ValidationError("--delay and --at do not go together") }
        try validateNumbers()
        if let id, !RunBounds.isValid(id: id) {
            throw ValidationError(
                "--id must be 1 to \(RunBounds.longestID) letters, digits, ., _ and -, found \(id.debugDescription)")
        }
        if command.isEmpty, !environment.isEmpty || directory != nil || user != nil {
            throw ValidationError("--env, --directory and --user are for a command after --")
        }
        for entry in environment where !entry.contains("=") || entry.hasPrefix("=") {
            throw ValidationError("--env must be NAME=VALUE, found \(entry.debugDescription)")
        }
    }

    private func validateNumbers() throws {
        if let retries, !(0..<RunBounds.attempts.upperBound).contains(retries) {
            throw ValidationError("--retries is 0 to \(RunBounds.attempts.upperBound - 1), not \(retries)")
        }
        if let priority, !RunBounds.priorities.contains(priority) {
            throw ValidationError("--priority is 0 to 9, not \(priority)")
        }
        if let any, !(1...RunBounds.largestCount).contains(any) {
            throw ValidationError("--any is 1 to \(RunBounds.largestCount), not \(any)")
        }
        if let timeout, timeout.duration <= .zero || timeout.duration > RunBounds.longestTimeout {
            throw ValidationError("--timeout is at most \(RunBounds.longestTimeout.age), and more than nothing")
        }
        if let delay, delay.duration > RunBounds.longestDelay {
            throw ValidationError("--delay is at most \(RunBounds.longestDelay.age)")
        }
        if let at, Timestamp(rfc3339: at) == nil {
            throw ValidationError("--at must be a time such as 2026-12-01T02:00:00Z, found \(at.debugDescription)")
        }
    }

    /// The steps of `--steps`, read before anything is connected to.
    func stepsFile() throws -> StepsFile? {
        guard let steps else { return nil }
        guard let read = ManifestFiles.read([steps]).first else {
            throw CommandFailure("\(steps.printable): expected a file of steps, found none")
        }
        let source: ManifestSource
        do throws(ManifestError) { source = try read.get() } catch { throw Desired.failure(ManifestErrors([error])) }
        do throws(ManifestErrors) { return try RunRequestReader.steps(source) } catch { throw Desired.failure(error) }
    }

    /// The run, planned for the fleet as it is stored.
    func plan(
        what: String?, command: [String], steps: StepsFile?, now: Timestamp, _ store: any OperationsStore
    ) async throws -> PlannedRun {
        var request = try await request(what: what, command: command, steps: steps, store)
        merge(into: &request.options)
        let time = at.flatMap { Timestamp(rfc3339: $0) } ?? now + (delay?.duration ?? .zero)
        if time - now > RunBounds.longestDelay {
            throw CommandFailure("--at is more than \(RunBounds.longestDelay.age) ahead")
        }
        let identity = RequestPlanner.Identity(
            id: id ?? Self.newID(), origin: "run by \(Person.current)", time: time,
            deadline: deadline.map { now + $0.duration })
        let fleet = try await FleetOfRuns.read(for: request, store)
        do throws(RequestProblem) {
            let plan = try RequestPlanner(fleet).plan(request, identity)
            return PlannedRun(plan: plan, delay: delay?.duration, notBefore: at == nil ? nil : time)
        } catch {
            throw CommandFailure(error.description.printable)
        }
    }

    private func request(
        what: String?, command: [String], steps: StepsFile?, _ store: any OperationsStore
    ) async throws -> RunRequest {
        if let what { return try await named(what, store) }
        guard let targets = try targets() else { throw CommandFailure("where? expected --on or --selector") }
        if let steps { return RunRequest(work: .steps(steps.steps), targets: targets, options: steps.options) }
        // What a person types is taken as it is: a dollar is a dollar.
        func literal(_ text: String) -> String {
            text.split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$")
        }
        var environment: [String: String] = [:]
        for entry in self.environment {
            let sides = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            environment[String(sides[0])] = literal(String(sides[1]))
        }
        let step = RunCommand(
            command: command.map(literal), environment: environment, directory: directory.map(literal), user: user)
        return RunRequest(work: .steps([.command(step)]), targets: targets)
    }

    /// `shop/backup`, or `schedule/nightly`.
    private func named(_ what: String, _ store: any OperationsStore) async throws -> RunRequest {
        let parts = what.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else {
            throw CommandFailure("\(what.printable): expected APP/ACTION, such as shop/backup, or schedule/NAME")
        }
        var request = RunRequest(work: .action(app: parts[0], name: parts[1]), targets: .instances)
        if parts[0].lowercased() == "schedule" {
            let key = ResourceKey(.schedule, parts[1])
            guard let stored = try await store.resource(key) else {
                let names = try await store.resources(.schedule).map(\.key.name)
                throw Reference.missing(what, near: Nearest.name(to: parts[1], among: names).map { "schedule/\($0)" })
            }
            guard case .schedule(let spec) = try Desired.read(stored).manifest.spec else {
                throw CommandFailure("\(key) is no Schedule")
            }
            request = spec.request
        }
        if let targets = try targets() { request.targets = targets }
        return request
    }

    private func targets() throws -> RunTargets? {
        if let selector {
            let labels = try Self.labels(selector)
            return any.map { .any($0, labels) } ?? .selector(labels)
        }
        return servers.isEmpty ? nil : .servers(Array(Set(servers)).sorted())
    }

    static func labels(_ text: String) throws -> [String: String] {
        guard let pool = Pool(text) else {
            throw CommandFailure("--selector must be like role=web,zone=a, found \(text.printable)")
        }
        return pool.selector
    }

    private func merge(into options: inout RunOptions) {
        options.timeout = timeout?.duration ?? options.timeout
        options.retries = retries ?? options.retries
        options.priority = priority ?? options.priority
        if repeatable { options.isRepeatable = true }
    }

    private static func newID() -> String { "r" + String(UInt64.random(in: .min ... .max), radix: 36) }
}
