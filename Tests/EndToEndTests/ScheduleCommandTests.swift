// What a person does with Schedules on the command line, but for running them.

import Glibc
import JSON
import TestRedis
import Testing

@Suite(.timeLimit(.minutes(3))) struct ScheduleCommandTests {
    private static let schedules = """
        [ { "apiVersion": "ops/v1", "kind": "Schedule", "metadata": { "name": "nightly" },
            "spec": { "at": "30 2 * * *", "timeZone": "Europe/Berlin", "run": { "app": "site", "action": "restart" } } },
          { "apiVersion": "ops/v1", "kind": "Schedule", "metadata": { "name": "full" },
            "spec": { "when": { "metric": "disk", "above": 85, "for": "5m" },
                      "run": { "steps": [{ "command": ["true"] }] }, "on": { "selector": { "role": "web" } } } } ]
        """

    private func times(_ text: String) -> [Substring] {
        text.split(separator: "\n").filter { $0.contains("T02:30:00+0") }
    }

    @Test func `Schedules are validated, applied, listed, described, waited for and deleted`() async throws {
        try await TestFleet.with(controllers: 0, servers: []) { fleet in
            let servers = try fleet.manifest("servers.json", Manifests.servers(["server1"]))
            let site = try fleet.manifest("site.json", Manifests.site())
            let schedules = try fleet.manifest("schedules.json", Self.schedules)
            let valid = try await fleet.opsapply("validate", servers, site, schedules)
            #expect(valid.code == 0 && times(valid.output).count == 5, "\(valid)")
            #expect(valid.output.contains("Schedule/nightly  30 2 * * *  Europe/Berlin\n"), "\(valid)")
            #expect(valid.output.contains("Schedule/full  disk > 85 for 5m\n"), "\(valid)")
            let document = try JSONValue.parse(
                try await fleet.opsapply("validate", servers, site, schedules, "-o", "json").output)
            #expect(document["schedules"]?[0]?["next"]?.array?.count == 5, "\(document)")

            let plan = try await fleet.opsapply("plan", servers, site, schedules)
            #expect(plan.code == 0 && plan.output.contains("Schedule/nightly: new"), "\(plan)")
            let applied = try await fleet.opsapply("apply", servers, site, schedules)
            let order = applied.output.split(separator: "\n").map { $0.prefix { $0 != "/" } }
            #expect(order == ["Server", "App", "Schedule", "Schedule"], "\(applied)")
            // Nobody leads, so a wait for anything but Schedules would not end.
            let waited = try await fleet.opsapply("apply", schedules, "--wait", "--timeout", "5s")
            #expect(waited.code == 0, "\(waited)")
            #expect(try await fleet.opsapply("wait", "schedule/nightly", "--timeout", "5s").code == 0)
            let never = try await fleet.opsapply("wait", "--for", "Drifted", "schedule/nightly", "--timeout", "5s")
            #expect(never.code == 1 && never.errors.contains("no other condition"), "\(never)")

            let listed = try await fleet.opsapply("get", "schedules")
            #expect(times(listed.output).count == 1 && listed.output.hasPrefix("NAME "), "\(listed)")
            #expect(listed.output.contains("never"), "\(listed)")
            let resources = try await fleet.opsapply("get", "resources")
            #expect(resources.output.split(separator: "\n").count { $0.hasPrefix("Schedule ") } == 2, "\(resources)")
            let one = try JSONValue.parse(try await fleet.opsapply("get", "schedule", "nightly", "-o", "json").output)
            #expect(one["schedules"]?[0]?["schedule"]?["timeZone"] == "Europe/Berlin", "\(one)")
            let described = try await fleet.opsapply("describe", "schedule/nightly")
            #expect(described.code == 0 && times(described.output).count == 5, "\(described)")
            #expect(try await fleet.opsapply("confirm", "schedule/full").output.contains("nothing is held back"))
            #expect(try await fleet.opsapply("drift", "app/site").code == 0)

            let deleted = try await fleet.opsapply("delete", "schedule/full", "--yes", "--wait")
            #expect(
                deleted.code == 0 && deleted.errors.contains("Schedule/full, which then fires no more"), "\(deleted)")
            let pruned = try await fleet.opsapply("apply", servers, site, "--prune", "--yes")
            #expect(pruned.code == 0 && pruned.output.contains("Schedule/nightly deleted"), "\(pruned)")
            #expect(try await fleet.opsapply("get", "schedules", "-o", "name").output.isEmpty)
        }
    }

    @Test func `An action that the stored App has not is an error, with the nearest one`() async throws {
        try await TestFleet.with(controllers: 0, servers: []) { fleet in
            let servers = try fleet.manifest("servers.json", Manifests.servers(["server1"]))
            let site = try fleet.manifest("site.json", Manifests.site())
            #expect(try await fleet.opsapply("apply", servers, site).code == 0)
            let text = Self.schedules.split(separator: "restart").joined(separator: "restrat")
            let wrong = try await fleet.opsapply("apply", try fleet.manifest("schedules.json", text))
            #expect(wrong.code == 1 && wrong.output.isEmpty, "\(wrong)")
            #expect(wrong.errors.contains("[0].spec.run.action: expected an action of App/site"), "\(wrong)")
            #expect(wrong.errors.contains("did you mean \"restart\"?"), "\(wrong)")
        }
    }
}
