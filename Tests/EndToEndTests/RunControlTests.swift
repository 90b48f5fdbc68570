// Runs that are ended, hang, write without end, wait for one another, or for an agent that is silent.

import Glibc
import JSON
import TestRedis
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct RunControlTests {
    /// Leaves the ids of a program and of its child, which both want to live long.
    private static let long = "sleep 600 & echo $! > child; echo $$ > self; echo begun; wait"

    @Test func `--timeout ends a command that forks and hears no TERM, with all that it began`() async throws {
        try await RunFleet.with { fleet in
            let outcome = try await fleet.opsapply(
                "run", "--on", "server1", "--timeout", "1s", "--", "sh", "-c", "trap '' TERM; \(Self.long); wait")
            #expect(
                outcome.code == 1 && outcome.errors.contains("sh had not ended after 1"), "\(outcome)\n\(fleet.logs)")
            for file in ["self", "child"] {
                let pid = try #require(fleet.pid(in: file, of: "server1"))
                #expect(await fleet.isGone(pid), "\(file)")
            }
        }
    }

    @Test func `output without end is bounded, and its job is cancelled: all of its processes are gone soon`()
        async throws
    {
        try await RunFleet.with { fleet in
            let script = "sleep 600 & echo $! > child; echo $$ > self; exec yes 'a line of output that never ends'"
            let begun = try await fleet.opsapply(
                "run", "--on", "server1", "--id", "flood", "--detach", "--", "sh", "-c", script)
            #expect(begun.code == 0, "\(begun)")
            // More than is kept was written when the beginning is cut off.
            let isCut = try await eventually(within: .seconds(30)) {
                try await fleet.opsapply("jobs", "logs", "flood").output.contains("output that was not kept")
            }
            #expect(isCut, "\(fleet.logs)")
            let kept = try await fleet.opsapply("jobs", "logs", "flood").output.utf8.count
            #expect(kept < 3 << 20, "\(kept) bytes")
            let pids = ["self", "child"].compactMap { fleet.pid(in: $0, of: "server1") }
            #expect(pids.count == 2)
            let cancelled = try await fleet.opsapply("jobs", "cancel", "flood")
            let told = ContinuousClock.now
            #expect(cancelled.output == "server1/flood runs on server1, which was told\n", "\(cancelled)")
            for pid in pids { #expect(await fleet.isGone(pid), "\(fleet.logs)") }
            print("the processes of a cancelled job were gone \(ContinuousClock.now - told) after it was said")
            #expect(try await fleet.reaches("server1/flood", "cancelled"))
        }
    }

    @Test func `an interrupt of an attached run cancels what is not over`() async throws {
        try await RunFleet.with(["server1", "server2"]) { fleet in
            let run = try Watched(fleet, "run", "--selector", "role=web", "--id", "i", "--", "sh", "-c", Self.long)
            #expect(await run.says("server1 | begun"), "\(fleet.logs)")
            #expect(await run.says("server2 | begun"), "\(fleet.logs)")
            let pids = ["server1", "server2"].flatMap { server in
                ["self", "child"].compactMap { fleet.pid(in: $0, of: server) }
            }
            #expect(pids.count == 4)
            run.signal(SIGINT)
            let end = await run.end()
            #expect(end.code == 130 && end.errors.contains("interrupted: cancelling 2 jobs"), "\(end)")
            for pid in pids { #expect(await fleet.isGone(pid), "\(end)") }
            for server in ["server1", "server2"] {
                #expect(try await fleet.run("\(server)/i")?.state == "cancelled", "\(end)")
            }
        }
    }

    @Test func `an interrupt of jobs logs -f ends the looking only`() async throws {
        try await RunFleet.with { fleet in
            let script = "echo begun; until [ -e go ]; do sleep 0.02; done"
            let begun = try await fleet.opsapply(
                "run", "--on", "server1", "--id", "on", "--detach", "--", "sh", "-c", script)
            #expect(begun.code == 0, "\(begun)")
            let look = try Watched(fleet, "jobs", "logs", "-f", "on")
            #expect(await look.says("begun"), "\(fleet.logs)")
            look.signal(SIGINT)
            #expect(await look.end().code == 130)
            #expect(try await fleet.run("server1/on")?.state == "active")
            try fleet.write(fleet.root("server1") + "/go", "")
            #expect(try await fleet.reaches("server1/on", "done"))
        }
    }

    @Test func `where all places are taken, the higher priority is begun first`() async throws {
        try await RunFleet.with { fleet in
            func detach(_ id: String, _ count: Int, priority: Int, _ script: String) async throws {
                let outcome = try await fleet.opsapply(
                    "run", "--selector", "role=web", "--any", "\(count)", "--id", id, "--priority", "\(priority)",
                    "--detach", "--", "sh", "-c", script)
                #expect(outcome.code == 0, "\(outcome)")
            }
            try await detach("full", 8, priority: 5, "until [ -e go ]; do sleep 0.02; done")
            let isFull = try await eventually(within: .seconds(30)) {
                try await fleet.runs().count { $0.state == "active" } == 8
            }
            #expect(isFull, "\(fleet.logs)")
            try await detach("low", 12, priority: 1, "true")
            try await detach("high", 12, priority: 9, "true")
            try fleet.write(fleet.root("server1") + "/go", "")
            let areDone = try await eventually(within: .seconds(30)) {
                try await fleet.runs().count { $0.state == "done" } == 32
            }
            #expect(areDone, "\(fleet.logs)")
            let runs = try await fleet.runs()
            func begun(_ id: String) -> [String] {
                runs.filter { $0.reference.hasPrefix("@role=web/\(id).") }.compactMap(\.begun).sorted()
            }
            #expect(begun("high").count == 12 && begun("low").count == 12)
            #expect(begun("high").last ?? "none" <= begun("low").first ?? "", "\(runs)")
        }
    }

    @Test func `Redis gone in the middle and back: the job goes on, and so does whoever follows it`() async throws {
        try await RunFleet.with { fleet in
            let script = "echo one; until [ -e go ]; do sleep 0.02; done; echo two"
            let run = try Watched(fleet, "run", "--on", "server1", "--id", "r", "--", "sh", "-c", script)
            #expect(await run.says("one"), "\(fleet.logs)")
            await fleet.redis.kill9()
            #expect(await run.says("Redis does not answer"), "\(run.errors)")
            try fleet.write(fleet.root("server1") + "/go", "")
            try await fleet.redis.startAgain()
            let end = await run.end()
            #expect(end.code == 0 && end.output == "one\ntwo\n", "\(end)\n\(fleet.logs)")
        }
    }

    @Test func `a job whose agent is silent says so`() async throws {
        try await RunFleet.with(["server1", "server2"], without: ["server2"]) { fleet in
            try await fleet.silence(agentOf: "server1")
            let run = try Watched(fleet, "run", "--selector", "role=web", "--id", "s", "--", "true")
            #expect(await run.says("server1/s has not begun: no word from its agent for "), "\(run.errors)")
            #expect(await run.says("server2/s has not begun: its agent has never reported"), "\(run.errors)")
            let listed = try await fleet.opsapply("jobs")
            #expect(listed.output.contains("has not begun: no word from its agent for "), "\(listed)")
            let shown = try await fleet.opsapply("jobs", "show", "server2/s")
            #expect(shown.output.contains("State:      ready, has not begun: its agent has never reported"), "\(shown)")
            run.signal(SIGINT)
            let end = await run.end()
            #expect(end.code == 130 && end.errors.contains("server2/s is cancelled"), "\(end)")
        }
    }
}
