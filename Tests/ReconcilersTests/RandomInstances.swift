// Random Apps, observations and surroundings for the properties.

import Model
import Reconcilers
import TestSeeds

extension SeededGenerator {
    mutating func workload() -> Workload {
        var content = Workload()
        for name in ["port", "host"] where chance(70) { content.config[name] = pick(["80", "8080", "a:b", ""]) }
        for name in ["nginx", "curl", "vim"] where chance(40) {
            content.packages[name] = pick([.present, .absent, .version("1.2"), .version("1.*"), .version("*")])
        }
        for path in ["/srv", "/srv/www", "/srv/www/a", "/etc/x"] where chance(50) {
            content.directories[path] = DirectorySpec(ownership: ownership(0o755))
        }
        for path in ["/etc/x/a.conf", "/srv/www/index.html", "/b"] where chance(60) {
            let text = pick(["fixed", "on ${server.name}", "root ${server.root}", "$$5", "é", ""])
            content.files[path] = FileSpec(content: .inline(text), ownership: ownership(0o644))
        }
        for name in ["init", "seed"] where chance(30) {
            content.commands[name] = CommandSpec(command: ["make", "${server.address}"], creates: "/x")
        }
        for name in ["nginx", "worker"] where chance(60) { content.services[name] = service(content) }
        for name in ["home", "api"] where chance(40) {
            content.health[name] = HealthSpec(probe: pick([.http("http://${server.address}/"), .tcp("h:1")]))
        }
        return content
    }

    private mutating func ownership(_ mode: Int) -> Ownership {
        Ownership(mode: mode, owner: pick([nil, nil, "root"]), group: pick([nil, nil, "www"]))
    }

    private mutating func service(_ content: Workload) -> ServiceSpec {
        var spec = ServiceSpec(command: pick([["run"], ["run", "${server.name}"]]))
        let keys =
            content.files.keys.sorted().map { FieldKey(.file, $0) }
            + content.config.keys.sorted().map { FieldKey(.config, $0) }
        if !keys.isEmpty, chance(60) { spec.restartOn = [pick(keys)] }
        if !keys.isEmpty, chance(30) { spec.reloadOn = [pick(keys)] }
        if chance(50) { spec.reload = .signal("HUP") }
        return spec
    }

    mutating func desired(generation: Int = 2) -> DesiredInstance? {
        let app = CompiledApp(
            name: "webapp", labels: [:], spec: AppSpec(placement: .servers(["server1"]), content: workload()),
            generation: generation, blobs: [:])
        let facts = ServerFacts(name: "server1", address: "127.0.0.1", root: pick(["", "/tmp/one"]))
        if case .resolved(let desired) = app.resolve(on: facts) { return desired }
        return nil
    }

    mutating func value(of field: DesiredField) -> String? {
        if chance(40) { return field.expectation.meetingValue }
        if chance(10) { return nil }
        if chance(10) { return FieldValue.error("permission denied") }
        return switch field.key.kind {
        case .service:
            pick(["stopped", "exited 1", "killed 9", "running 111111111111/000000000000", "running 000000000000/1"])
        case .health: pick(["unhealthy: status 500", "unknown"])
        case .command: "pending"
        case .directory, .file: pick(["absent", "file 0644 root:root", "directory 0700 a:b", "other"])
        case .config, .package: pick(["absent", "0.9", "81"])
        }
    }

    mutating func observed(_ desired: DesiredInstance) -> ObservedInstance {
        var fields: [FieldKey: String] = [:]
        for field in desired.fields { fields[field.key] = value(of: field) }
        if chance(20) { fields[FieldKey(.file, "/left/over")] = "sha256:0 0644 root:root" }
        if chance(20) { fields[FieldKey(.service, "leftover")] = "running 111111111111/000000000000" }
        return ObservedInstance(
            id: desired.id, revision: Int.random(in: 1...9, using: &self), generation: desired.generation,
            digest: chance(85) ? desired.digest : "00000000000000aa", reportedAt: Timestamp(milliseconds: 99_000),
            fields: fields)
    }

    mutating func gates() -> Gates {
        var gates = Gates(budgetAvailable: chance(80), serverStale: chance(10))
        if chance(15) {
            gates.suspension = Suspension.last(suspension(), suspension())
        }
        if chance(10) { gates.missingDependency = "App/database to be Ready" }
        if chance(10) { gates.removalBrake = (5, 10) }
        return gates
    }

    /// None, or one that stands, is over, or will end.
    mutating func suspension() -> Suspension? {
        let ends: [Timestamp?] = [nil, Timestamp(milliseconds: 1), Timestamp(milliseconds: 200_000)]
        return chance(80) ? Suspension(reason: pick(["racks", "release"]), until: pick(ends)) : nil
    }

    /// `nil` if the workload could not be resolved (it names config that is not there).
    mutating func input() -> ReconcileInput? {
        guard let desired = desired() else { return nil }
        let isLeaving = chance(15)
        return ReconcileInput(
            id: desired.id, desired: isLeaving ? nil : desired,
            removal: isLeaving ? pick([nil, .deleted(by: "anna"), .placementMoved(generation: 2)]) : nil,
            assignment: chance(90) ? desired.withoutContents : nil, observed: chance(95) ? observed(desired) : nil,
            openJob: chance(20) ? "0123456789abcdef0123" : nil, round: chance(20) ? 2 : 0,
            roundEndedAt: Timestamp(milliseconds: 95_000), roundError: "full", roundGeneration: pick([1, 2]),
            drift: [:],
            metDigest: pick(["", desired.digest, "00000000000000aa"]), gates: gates(), wasRemoving: chance(5))
    }
}

/// A server that does what it is told.
enum ModelMachine {
    static func apply(_ steps: [Step], of desired: DesiredInstance?, to fields: inout [FieldKey: String]) {
        for step in steps {
            switch step.action {
            case .remove, .unset, .uninstall: fields[step.field] = FieldValue.absent
            case .stop: fields[step.field] = FieldValue.stopped
            case .create, .update, .install, .set, .run, .start, .restart, .reload:
                fields[step.field] = desired?.fields.first { $0.key == step.field }?.expectation.meetingValue
            }
        }
    }
}
