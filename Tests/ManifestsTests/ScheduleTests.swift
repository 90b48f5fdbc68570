// Schedules and actions, read into the model.

import Calendar
import Manifests
import Model
import Testing

@Suite struct ScheduleTests {
    private func read(_ name: String) throws -> [ManifestResource] {
        try ManifestReader.read([try Fixtures.source(name)]).resources
    }

    private func schedule(_ spec: String) throws -> ScheduleSpec {
        let text = #"{"apiVersion":"ops/v1","kind":"Schedule","metadata":{"name":"s"},"spec":{\#(spec)}}"#
        let set = try ManifestReader.read([ManifestSource(name: "s.json", text: text)])
        return try #require(set.resources.first?.schedule)
    }

    @Test func `every field of a Schedule by time arrives in the model`() throws {
        let resource = try #require(try read("good/schedule-time.json").first)
        #expect(resource.key == ResourceKey(.schedule, "nightly-backup"))
        #expect(resource.config.isEmpty && resource.blobs.isEmpty)
        let spec = try #require(resource.schedule)
        #expect(
            spec.trigger
                == .time(
                    TimeTrigger(
                        cron: "30 2 * * mon-fri", timeZone: "Europe/Berlin", jitter: .seconds(300), missed: .all,
                        startDeadline: .seconds(7200))))
        #expect(spec.request.work == .action(app: "shop", name: "backup"))
        #expect(spec.request.targets == .instances)
        #expect(
            spec.request.options
                == RunOptions(timeout: .seconds(600), retries: 2, priority: 7, isRepeatable: true))
        #expect(spec.overlap == .replace)
        #expect(spec.suspend?.reason == "moving" && spec.suspend?.until?.rfc3339 == "2026-11-30T08:00:00.000Z")
    }

    @Test func `every field of a Schedule by condition, and every kind of step, arrives in the model`() throws {
        let spec = try #require(try read("good/schedule-condition.json").first?.schedule)
        #expect(
            spec.trigger
                == .condition(
                    ConditionTrigger(
                        metric: "disk", limit: .above(85.5), lasting: .seconds(300), coolDown: .seconds(7200))))
        #expect(spec.request.targets == .selector(["role": "web"]))
        let steps: [RunStep] = [
            .command(
                RunCommand(
                    command: ["journalctl", "--vacuum-size", "${run.id}"], environment: ["AT": "${run.time}"],
                    directory: "/srv", user: "backup", timeout: .seconds(300), creates: "${server.root}/p",
                    input: "/file", output: "/var/log/${server.name}-${server.address}.txt")),
            .command(RunCommand(command: ["mk"], unless: ["test", "-e", "/x"])),
            .restart(app: "shop", services: []), .upgrade(packages: ["nginx", "redis-server"]),
            .keep(KeepRule(count: 7, folder: "/var/backups", pattern: "shop-*.sql")),
        ]
        #expect(spec.request.work == .steps(steps))
    }

    @Test func `a pool and a limit from below arrive in the model`() throws {
        let specs = try read("good/schedule-any.json").compactMap(\.schedule)
        #expect(specs.map(\.request.targets) == [.any(1, ["role": "web"]), .servers(["server1", "server2"])])
        #expect(specs.last?.trigger == .condition(ConditionTrigger(metric: "memory.free", limit: .below(10))))
    }

    @Test func `the defaults of the table are those of the model`() throws {
        let run = #""run":{"app":"a","action":"b"}"#
        #expect(try schedule(run) == ScheduleSpec(trigger: .demand, request: request))
        #expect(
            try schedule(run + #","at":"@daily""#)
                == ScheduleSpec(trigger: .time(TimeTrigger(cron: "@daily")), request: request))
        #expect(
            try schedule(run + #","when":{"metric":"cpu","above":9}"#)
                == ScheduleSpec(
                    trigger: .condition(ConditionTrigger(metric: "cpu", limit: .above(9))), request: request))
    }

    private let request = RunRequest(work: .action(app: "a", name: "b"), targets: .instances)

    @Test func `an App's actions are of that App, and change nothing else of it`() throws {
        let spec = try #require(try read("good/app-actions.json").first?.app)
        let backup = try #require(spec.actions["backup"])
        #expect(backup.options == RunOptions(timeout: .seconds(600), retries: 1, priority: 0, isRepeatable: false))
        #expect(backup.steps.suffix(3).first == .restart(app: "shop", services: ["web", "worker"]))
        #expect(spec.actions["restart"] == ActionSpec(steps: [.restart(app: "shop", services: [])]))
        var without = spec
        without.actions = [:]
        #expect(without.content == spec.content && without.overrides == spec.overrides)
        #expect(spec.workload(on: "server1").config["database"] == "other")
    }

    @Test func `a zone is looked up where it is said, but not for what the store holds`() throws {
        let folder = try TemporaryFolder()
        let source = try Fixtures.source("good/schedule-time.json")
        let empty = ZoneDatabase(folder: folder.path)
        #expect {
            try ManifestReader.read([source], zones: empty)
        } throws: {
            "\($0)".contains("spec.timeZone: expected the IANA name of a time zone")
        }
        #expect {
            try ManifestReader.read([source], zones: ZoneDatabase(folder: "\(folder.path)/none"))
        } throws: {
            "\($0)".contains("install the package tzdata")
        }
        let stored = try #require(try ManifestReader.read([source]).resources.first)
        #expect(try ManifestReader.readStored(stored.canonical).spec == stored.spec)
    }

    @Test func `config entries that somebody puts into a Schedule's hash are refused`() throws {
        let stored = try #require(try read("good/schedule-minimal.json").first)
        #expect {
            try ManifestReader.applyingConfig(["port": "1"], to: stored.canonical)
        } throws: {
            "\($0)".contains("unknown field \"config\"")
        }
    }
}
