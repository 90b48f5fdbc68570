// Reads the upper half of a scenario.

import Model
import Reconcilers

struct ScenarioInput {
    private var id = InstanceID(app: "webapp", server: "server1")
    private(set) var now = Timestamp(milliseconds: 100_000)
    private var generation = 1
    private var workload: Workload?
    private var assignment = "same"
    private var observed: [String: String]?
    private var fields: [(String, String)] = []
    private var gates = Gates()
    private var job: String?
    private var round = (count: 0, endedAt: Timestamp?.none, generation: 0, error: String?.none)
    private var drift: [FieldKey: DriftRecord] = [:]
    private var met = ""
    private var removal: RemovalAuthority?
    private var wasRemoving = false

    static let otherDigest = "00000000000000aa"

    init(_ text: String) throws {
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            try take(line.split(separator: " ").map(String.init), String(line))
        }
    }

    private mutating func take(_ words: [String], _ line: String) throws {
        let rest = words.dropFirst(2).joined(separator: " ")
        switch words[0] {
        case "instance": id = try Self.instance(words[1])
        case "generation": generation = try Self.int(words[1])
        case "now": now = Timestamp(milliseconds: Int64(try Self.int(words[1])))
        case "desired": try desire(Array(words.dropFirst()))
        case "assignment": assignment = words.dropFirst().joined(separator: " ")
        case "observed": observed = Self.pairs(words)
        case "field": fields.append((words[1], words.dropFirst(3).joined(separator: " ")))
        case "gate": try gate(words, rest)
        case "job": job = words[1]
        case "round": try takeRound(words)
        case "drift": try takeDrift(words)
        case "met": met = words[1]
        case "removal": removal = words[1] == "deleted" ? .deleted(by: "anna") : .placementMoved(generation: generation)
        case "removing": wasRemoving = true
        default: throw ScenarioProblem(description: "cannot read: \(line)")
        }
    }

    private static func instance(_ text: String) throws -> InstanceID {
        let parts = text.split(separator: "@").map(String.init)
        return parts.count == 2 ? InstanceID(app: parts[0], server: parts[1]) : InstanceID(app: nil, server: text)
    }

    private static func int(_ text: String) throws -> Int {
        guard let number = Int(text) else { throw ScenarioProblem(description: "not a number: \(text)") }
        return number
    }

    private static func pairs(_ words: [String]) -> [String: String] {
        var result: [String: String] = [:]
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2 { result[parts[0]] = parts[1] }
        }
        return result
    }

    private static func key(_ text: String) throws -> FieldKey {
        guard let key = FieldKey(text) else { throw ScenarioProblem(description: "not a field: \(text)") }
        return key
    }

    private mutating func desire(_ words: [String]) throws {
        var content = workload ?? Workload()
        defer { workload = content }
        guard words.count > 1 else { return }
        let rest = words.dropFirst(2).joined(separator: " ")
        switch words[0] {
        case "config": content.config[words[1]] = rest
        case "package":
            content.packages[words[1]] = rest == "present" ? .present : rest == "absent" ? .absent : .version(rest)
        case "directory":
            content.directories[words[1]] = DirectorySpec(ownership: Ownership(mode: Int(words[2], radix: 8) ?? 0))
        case "file":
            content.files[words[1]] = FileSpec(
                content: .inline(words.dropFirst(3).joined(separator: " ")),
                ownership: Ownership(mode: Int(words[2], radix: 8) ?? 0))
        case "command": content.commands[words[1]] = CommandSpec(command: Array(words.dropFirst(2)), creates: "/made")
        case "service": content.services[words[1]] = try Self.service(words)
        case "health": content.health[words[1]] = HealthSpec(probe: .http(rest))
        default: throw ScenarioProblem(description: "cannot desire: \(words[0])")
        }
    }

    private static func service(_ words: [String]) throws -> ServiceSpec {
        let dashes = words.firstIndex(of: "--") ?? words.endIndex
        let options = pairs(Array(words[1..<dashes]))
        var spec = ServiceSpec(command: Array(words[dashes...].dropFirst()))
        spec.restartOn = try options["restartOn"].map { [try key($0)] } ?? []
        spec.reloadOn = try options["reloadOn"].map { [try key($0)] } ?? []
        spec.reload = options["reload"].map { .signal($0) }
        return spec
    }

    private mutating func gate(_ words: [String], _ rest: String) throws {
        switch words[1] {
        case "stale": gates.serverStale = true
        case "budget": gates.budgetAvailable = false
        case "dependency": gates.missingDependency = rest
        case "brake": gates.removalBrake = (try Self.int(words[2]), try Self.int(words[3]))
        case "suspended":
            let until = Self.pairs(words)["until"].flatMap { Int64($0) }.map { Timestamp(milliseconds: $0) }
            let reason = words.dropFirst(until == nil ? 2 : 3).joined(separator: " ")
            gates.suspension = Suspension(reason: reason, until: until)
        default: throw ScenarioProblem(description: "no such gate: \(words[1])")
        }
    }

    private mutating func takeRound(_ words: [String]) throws {
        let pairs = Self.pairs(words)
        let endedAt = pairs["ended"].flatMap { Int64($0) }.map { Timestamp(milliseconds: $0) }
        let error = words.dropFirst(4).joined(separator: " ")
        round = (try Self.int(words[1]), endedAt, Int(pairs["generation"] ?? "") ?? generation, error)
    }

    private mutating func takeDrift(_ words: [String]) throws {
        let key = try Self.key(words[1])
        let since = Timestamp(milliseconds: Int64(Self.pairs(words)["since"] ?? "") ?? 0)
        drift[key] = DriftRecord(field: key, desired: "was", observed: "is", onset: since, cause: .changedOnServer)
    }

    /// What this scenario wants, resolved by the real resolver.
    func desired() throws -> DesiredInstance? {
        guard let workload else { return nil }
        let app = CompiledApp(
            name: id.app ?? "", labels: [:], spec: AppSpec(placement: .servers([id.server]), content: workload),
            generation: generation, blobs: [:])
        switch app.resolve(on: ServerFacts(name: id.server, address: "127.0.0.1", root: "")) {
        case .resolved(let desired): return desired
        case .waiting(let why): throw ScenarioProblem(description: why)
        }
    }

    func input() throws -> ReconcileInput {
        let desired = try desired()
        return ReconcileInput(
            id: id, desired: removal == nil ? desired : nil, removal: removal, assignment: assigned(desired),
            observed: try observation(desired), openJob: job, round: round.count, roundEndedAt: round.endedAt,
            roundError: round.error, roundGeneration: round.generation, drift: drift,
            metDigest: met == "same" ? desired?.digest ?? "" : met == "older" ? Self.otherDigest : "", gates: gates,
            wasRemoving: wasRemoving)
    }

    private func assigned(_ desired: DesiredInstance?) -> Assignment? {
        guard var result = desired?.withoutContents, assignment != "none" else { return nil }
        if assignment.hasPrefix("older") {
            result.generation = Int(assignment.dropFirst(6)) ?? 0
            result.digest = Self.otherDigest
        } else if assignment.hasPrefix("generation") {
            result.generation = Int(assignment.dropFirst(11)) ?? 0
        }
        return result
    }

    private func observation(_ desired: DesiredInstance?) throws -> ObservedInstance? {
        guard let observed else { return nil }
        var values: [FieldKey: String] = [:]
        for (name, value) in fields {
            let key = try Self.key(name)
            values[key] = Self.value(value, of: desired?.fields.first { $0.key == key })
        }
        return ObservedInstance(
            id: id, revision: Int(observed["revision"] ?? "") ?? 1,
            generation: Int(observed["generation"] ?? "") ?? generation,
            digest: observed["answers"] == "other" ? Self.otherDigest : desired?.digest ?? Self.otherDigest,
            reportedAt: Timestamp(milliseconds: Int64(observed["at"] ?? "") ?? now.milliseconds), fields: values)
    }
}

extension ScenarioInput {
    /// `ok` is a value that meets; `RUN` is the service's own run digest.
    private static func value(_ text: String, of field: DesiredField?) -> String {
        if text == "ok" { return field?.expectation.meetingValue ?? "1.0" }
        guard case .service(let service)? = field?.spec, text.hasPrefix("running RUN/") else { return text }
        return "running \(service.run)" + text.dropFirst("running RUN".count)
    }
}

extension Expectation {
    /// A value that meets it.
    var meetingValue: String {
        switch self {
        case .exactly(let text): text
        case .startsWith(let prefix): prefix + (prefix.hasSuffix(" ") ? "root:root" : "9")
        case .present: "1.22.1-9"
        case .owned(let head, let owner, let group): "\(head) \(owner ?? "daemon"):\(group ?? "daemon")"
        }
    }
}
