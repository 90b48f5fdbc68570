// `opsapply run` and what a person sees of it, with real agents.

import Glibc
import JSON
import Model
import TestRedis
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct RunTests {
    @Test func `the exit code is 0 if all succeeded, 1 if one did not, and 64 for wrong usage`() async throws {
        try await RunFleet.with(["web1", "server22"]) { fleet in
            let all = try await fleet.opsapply(
                "run", "--selector", "role=web", "--", "sh", "-c", "echo here; echo 2 >&2")
            #expect(all.code == 0 && all.errors.contains("2 of 2 jobs succeeded"), "\(all)\n\(fleet.logs)")
            let lines = Set(all.output.split(separator: "\n"))
            #expect(lines == ["web1     | here", "web1     | 2", "server22 | here", "server22 | 2"], "\(all)")

            try fleet.write(fleet.root("web1") + "/here", "")
            let one = try await fleet.opsapply("run", "--on", "web1", "--on", "server22", "--", "test", "-e", "here")
            #expect(one.code == 1 && one.errors.contains("1 of 2 jobs succeeded"), "\(one)")
            let end = one.errors.split(separator: "\n").first { $0.contains("server22/") }
            #expect(end?.contains("is dead, exit code 1, after") == true, "\(one)")

            for wrong in [
                [], ["--on", "web1"], ["--", "true"], ["--on", "web1", "--any", "2", "--", "true"],
                ["--on", "web1", "--parallel", "0", "--", "true"], ["--on", "web1", "--id", "a b", "--", "true"],
                ["--on", "web1", "--id", ".hidden", "--", "true"], ["--on", "web1", "--timeout", "0s", "--", "true"],
                ["--on", "web1", "--priority", "10", "--", "true"], ["--on", "web1", "--at", "soon", "--", "true"],
                ["shop/backup", "--", "true"], ["shop/backup", "--env", "A=b"],
                ["--on", "web1", "--delay", "1s", "--at", "2026-12-01T02:00:00Z", "--", "true"],
            ] {
                let outcome = try await fleet.opsapply(arguments: ["run"] + wrong)
                #expect(outcome.code == 64 && outcome.output.isEmpty, "\(wrong): \(outcome)")
            }
            #expect(try await fleet.runs().count == 4, "what is wrong is not enqueued")
        }
    }

    @Test func `bad input is one clear line with its place, and the name that was probably meant`() async throws {
        try await RunFleet.with { fleet in
            func failure(_ arguments: String...) async throws -> String {
                let outcome = try await fleet.opsapply(arguments: arguments)
                #expect(outcome.code == 1 && outcome.output.isEmpty, "\(arguments): \(outcome)")
                return outcome.errors
            }
            #expect(
                try await failure("run", "--on", "sever1", "--", "true")
                    == "opsapply: there is no Server sever1; did you mean server1?\n")
            #expect(
                try await failure("run", "--selector", "role=mail", "--", "true")
                    == "opsapply: no Server has the labels role=mail\n")
            #expect(
                try await failure("run", "--selector", "web", "--", "true").contains("must be like role=web,zone=a"))
            #expect(try await failure("run", "sho/backup").contains("there is no App sho"))
            #expect(try await failure("run", "backup").contains("expected APP/ACTION, such as shop/backup"))
            let steps = try fleet.manifest("steps.json", "[{ \"command\": [\"true\"] },\n  { \"comand\": [\"x\"] }]\n")
            let wrong = try await failure("run", "--on", "server1", "--steps", steps)
            #expect(
                wrong.contains("\(steps):2:5: [1].comand: unknown field \"comand\"; did you mean \"command\"?"),
                "\(wrong)")
            #expect(try await failure("run", "--on", "server1", "--steps", steps + "x").contains("no such file"))
            let schedule = try fleet.manifest(
                "leap.json",
                """
                { "apiVersion": "ops/v1", "kind": "Schedule", "metadata": { "name": "never" },
                  "spec": { "at": "0 0 30 2 *", "run": { "steps": [{ "command": ["true"] }] },
                            "on": { "selector": {} } } }
                """)
            let never = try await failure("validate", schedule)
            #expect(never.contains("\(schedule):2:24: spec.at: ") && never.contains("found 30"), "\(never)")
            #expect(
                try await failure("jobs", "list", "@role=web")
                    == "opsapply: there is no pool @role=web\n")
            #expect(try await failure("jobs", "cancel", "server1/nope") == "opsapply: there is no job server1/nope\n")
            #expect(try await fleet.runs().isEmpty)
        }
    }

    @Test func `-o json is one document with what each job wrote, and --parallel 1 runs one at a time`() async throws {
        try await RunFleet.with(["server1", "server2", "server3"]) { fleet in
            // Whoever finds another one inside fails.
            let script = "mkdir \"$0/inside\" || exit 9; sleep 0.1; rmdir \"$0/inside\"; echo \"from $PWD\""
            let outcome = try await fleet.opsapply(
                "run", "--selector", "role=web", "--parallel", "1", "-o", "json", "--", "sh", "-c", script, fleet.folder
            )
            #expect(outcome.code == 0, "\(outcome)\n\(fleet.logs)")
            let runs = RunView.all(in: try JSONValue.parse(outcome.output)).sorted {
                ($0.begun ?? "") < ($1.begun ?? "")
            }
            #expect(runs.map(\.state) == ["done", "done", "done"], "\(outcome)")
            for (run, next) in zip(runs, runs.dropFirst()) {
                #expect(run.ended ?? "none" <= next.begun ?? "", "\(run) and \(next)")
            }
            for run in runs { #expect(run.output == "from \(fleet.root(run.server ?? ""))\n", "\(run)") }
        }
    }

    @Test func `--any spreads jobs over the servers that have all labels, and over no other`() async throws {
        let zones = ["server1": #""zone": "a""#, "server2": #""zone": "a""#, "server3": #""zone": "b""#]
        try await RunFleet.with(["server1", "server2", "server3"], labels: zones) { fleet in
            // One server does eight at a time, and none ends before two have begun some.
            let script =
                "touch begun; until [ -e \"$0/server1/begun\" ] && [ -e \"$0/server2/begun\" ]; do sleep 0.02; done"
            let outcome = try await fleet.opsapply(
                "run", "--selector", "zone=a,role=web", "--any", "12", "--", "sh", "-c", script + "; echo ran",
                fleet.folder)
            #expect(
                outcome.code == 0 && outcome.errors.contains("12 of 12 jobs succeeded"), "\(outcome)\n\(fleet.logs)")
            let runs = try await fleet.runs()
            #expect(Set(runs.compactMap(\.server)) == ["server1", "server2"] && runs.count == 12, "\(runs)")
            #expect(runs.allSatisfy { $0.reference.hasPrefix("@role=web,zone=a/") })
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count == 12 && Set(lines).count == 12, "each says which it is: \(outcome)")
            #expect(lines.allSatisfy { $0.hasPrefix("server1 #") || $0.hasPrefix("server2 #") }, "\(outcome)")
            #expect(!fleet.exists("server3", "/begun"))
        }
    }

    @Test func `what was detached is followed to its end, is no second run under its id, is retried and forgotten`()
        async throws
    {
        try await RunFleet.with { fleet in
            let script = "echo x >> count; echo one; until [ -e go ]; do sleep 0.02; done; echo two; exit 3"
            let arguments = ["run", "--on", "server1", "--id", "later", "--detach", "--", "sh", "-c", script]
            let begun = try await fleet.opsapply(arguments: arguments)
            #expect(begun.code == 0 && begun.output == "server1/later enqueued\n", "\(begun)")
            let followed = try Watched(fleet, "jobs", "logs", "-f", "server1/later")
            #expect(await followed.says("one\n"), "\(fleet.logs)")
            let again = try await fleet.opsapply(arguments: arguments)
            #expect(again.code == 0 && again.output == "server1/later is there already: active\n", "\(again)")
            try fleet.write(fleet.root("server1") + "/go", "")
            let end = await followed.end()
            #expect(end.code == 1 && end.output == "one\ntwo\n", "\(end)")
            #expect(end.errors.contains("server1/later is dead, exit code 3"), "\(end)")
            #expect(fleet.text("server1", "/count") == "x\n")
            #expect(try await fleet.opsapply("jobs", "logs", "later").output == "one\ntwo\n")

            let known = try await fleet.opsapply(arguments: arguments.filter { $0 != "--detach" })
            #expect(known.code == 1 && known.output == "one\ntwo\n", "\(known)")
            #expect(known.errors.contains("server1/later is there already, dead: nothing new is run"), "\(known)")
            #expect(fleet.text("server1", "/count") == "x\n")

            let retried = try await fleet.opsapply("jobs", "retry", "later")
            #expect(retried.code == 0 && retried.output == "server1/later is ready again\n", "\(retried)")
            let second = try await fleet.opsapply("jobs", "logs", "-f", "later")
            #expect(second.code == 1 && fleet.text("server1", "/count") == "x\nx\n", "\(second)")

            let purged = try await fleet.opsapply("jobs", "purge", "server1/later")
            #expect(purged.code == 0 && purged.output == "1 job forgotten\n", "\(purged)")
            let gone = try await fleet.opsapply("jobs", "show", "server1/later")
            #expect(gone.code == 1 && gone.errors == "opsapply: there is no job later on server1\n", "\(gone)")
            let anew = try await fleet.opsapply("run", "--on", "server1", "--id", "later", "--", "echo", "anew")
            #expect(anew.code == 0 && anew.output == "anew\n", "\(anew)")
        }
    }

    @Test func `a run begins when it is due, and not after its deadline`() async throws {
        try await RunFleet.with { fleet in
            let soon = try await fleet.opsapply(
                "run", "--on", "server1", "--id", "soon", "--delay", "300ms", "--", "true")
            #expect(soon.code == 0 && soon.errors.contains("server1/soon begins in"), "\(soon)")
            let delayed = try #require(try await fleet.run("server1/soon"))
            #expect(try Self.span(from: delayed.enqueued, to: delayed.begun) >= .milliseconds(300), "\(delayed)")

            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            let time = Timestamp(milliseconds: Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000 + 500).rfc3339
            let at = try await fleet.opsapply("run", "--on", "server1", "--id", "at", "--at", time, "--", "true")
            #expect(at.code == 0, "\(at)")
            #expect(try await fleet.run("server1/at")?.begun ?? "" >= time)

            let far = try await fleet.opsapply("run", "--on", "server1", "--at", "2999-01-01T00:00:00Z", "--", "true")
            #expect(far.code == 1 && far.errors.contains("--at is more than"), "\(far)")
            let later = try await fleet.opsapply(
                "run", "--on", "server1", "--id", "later", "--delay", "1h", "--detach", "--", "true")
            #expect(later.code == 0, "\(later)")
            #expect(try await fleet.run("server1/later")?.state == "delayed")
            #expect(try await fleet.opsapply("jobs", "cancel", "later").output == "server1/later cancelled\n")

            let stopped = try await fleet.opsapply(
                "run", "--on", "server1", "--id", "stopped", "--deadline", "500ms", "--", "sleep", "600")
            #expect(stopped.code == 1 && stopped.errors.contains("deadline"), "\(stopped)")
            await fleet.end("agent-server1")
            let missed = ["run", "--on", "server1", "--id", "missed", "--deadline", "100ms", "--detach", "--"]
            #expect(try await fleet.opsapply(arguments: missed + ["touch", "missed"]).code == 0)
            await letPass(.milliseconds(100))
            try fleet.startAgent("server1")
            #expect(try await fleet.reaches("server1/missed", "dead"), "\(fleet.logs)")
            #expect(try await fleet.run("server1/missed")?.error?.contains("deadline") == true)
            #expect(!fleet.exists("server1", "/missed"))
        }
    }

    private static func span(from start: String, to end: String?) throws -> Duration {
        let start = try #require(Timestamp(rfc3339: start))
        return try #require(Timestamp(rfc3339: end ?? "")) - start
    }
}
