// Services: they outlive the agent, are found again, are ended whole, and are told what changed.

import Agent
import Glibc
import Model
import Store
import TestRedis
import Testing

@Suite struct ServiceTests {
    @Test func `a service outlives the agent and is adopted by the next`() async throws {
        let stage = try await Stage()
        stage.desire([.service("sleeper", ["sleep", "1000"])])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            let process = try #require(stage.process(of: "sleeper"))
            await stage.stop()
            #expect(ProcessTable.runs(process))
            try stage.start()
            #expect(try await stage.becomesReady())
            #expect(stage.process(of: "sleeper") == process)
            // It is watched over as before.
            kill(process.pid, SIGKILL)
            #expect(
                await eventually {
                    stage.process(of: "sleeper").map { $0 != process && ProcessTable.runs($0) } ?? false
                })
        }
    }

    @Test func `a service that ended while no agent ran is started by the next, without the store`() async throws {
        let stage = try await Stage()
        stage.desire([.service("sleeper", ["sleep", "1000"])])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            let process = try #require(stage.process(of: "sleeper"))
            await stage.stop()
            await stage.store.setOutage(.unavailable("away"))
            kill(process.pid, SIGKILL)
            #expect(await eventually { !ProcessTable.runs(process) })
            try stage.start()
            #expect(
                await eventually {
                    stage.process(of: "sleeper").map { $0 != process && ProcessTable.runs($0) } ?? false
                })
        }
    }

    @Test func `ending a service ends all that it started`() async throws {
        let stage = try await Stage()
        let script = "sleep 1000 & echo $! > \(stage.root)/child; exec sleep 1000"
        stage.desire([.service("parent", ["sh", "-c", script])])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            #expect(await eventually { Disk.text(stage.root + "/child")?.isEmpty == false })
            let child = try #require(Disk.text(stage.root + "/child").flatMap { Int32($0.prefix { $0.isNumber }) })
            let identity = try #require(ProcessTable.identity(of: child))
            // A killed leader leaves its workers: they go before it is started again.
            let leader = try #require(stage.process(of: "parent"))
            kill(leader.pid, SIGKILL)
            #expect(await eventually { !ProcessTable.runs(identity) })
            #expect(
                await eventually { stage.process(of: "parent").map { $0 != leader && ProcessTable.runs($0) } ?? false })
            stage.desireNothing()
            let second = try #require(stage.process(of: "parent"))
            #expect(try await stage.settle { !ProcessTable.runs(second) })
        }
    }

    @Test func `a change of what a service restarts on restarts it, one that it reloads on reloads it`() async throws {
        let stage = try await Stage()
        let script = "trap 'echo reloaded >> \(stage.root)/log' HUP; while :; do sleep 0.05; done"
        func service(run: String, load: String) -> DesiredField {
            .service("app", ["sh", "-c", script], run: run, load: load, reload: .signal("HUP"))
        }
        stage.desire([service(run: "aaaaaaaaaaaa", load: "111111111111")])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            let first = try #require(stage.process(of: "app"))
            stage.desire([service(run: "aaaaaaaaaaaa", load: "222222222222")], generation: 2)
            #expect(try await stage.becomesReady())
            #expect(stage.process(of: "app") == first)
            #expect(await eventually { Disk.text(stage.root + "/log") == "reloaded\n" })
            stage.desire([service(run: "bbbbbbbbbbbb", load: "222222222222")], generation: 3)
            #expect(try await stage.becomesReady())
            #expect(stage.process(of: "app") != first)
            #expect(!ProcessTable.runs(first))
        }
    }

    @Test func `a service killed while its file is not in sync is restarted after the repair`() async throws {
        let stage = try await Stage()
        let file = DesiredField.file("/app.conf", "good\n")
        stage.desire([file, .service("sleeper", ["sleep", "1000"], restartOn: [file.key])])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            let first = try #require(stage.process(of: "sleeper"))
            Disk.write("bad\n", to: stage.root + "/app.conf")
            let bad = "sha256:\(Digest.sha256(Array("bad\n".utf8))) 0644"
            #expect(try await eventually { try await stage.observed[file.key]?.hasPrefix(bad) == true })
            kill(first.pid, SIGKILL)
            #expect(try await stage.sees(FieldKey(.service, "sleeper"), "running 000000000000/000000000000"))
            #expect(try await stage.becomesReady())
            #expect(Disk.text(stage.root + "/app.conf") == "good\n")
            #expect(try await stage.sees(FieldKey(.service, "sleeper"), "running aaaaaaaaaaaa/000000000000"))
        }
    }

    @Test func `a child that left the session of its service is ended with it`() async throws {
        let stage = try await Stage()
        let script = "setsid sleep 1000 & echo $! > \(stage.root)/child; wait"
        stage.desire([.service("parent", ["sh", "-c", script])])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            #expect(await eventually { Disk.text(stage.root + "/child")?.isEmpty == false })
            let child = try #require(Disk.text(stage.root + "/child").flatMap { Int32($0.prefix { $0.isNumber }) })
            let identity = try #require(ProcessTable.identity(of: child))
            #expect(await eventually { getsid(child) == child })
            stage.desireNothing()
            #expect(try await stage.settle { !ProcessTable.runs(identity) })
        }
    }

    @Test func `a session whose number was given to another is left alone`() async throws {
        let stage = try await Stage()
        stage.desire([.service("sleeper", ["sleep", "1000"])])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            let process = try #require(stage.process(of: "sleeper"))
            await stage.stop()
            // The journal of a machine where the pid was used again: the same number, an earlier start.
            var record = try #require(try Disk.ledgerState(stage.state + "/journal").services.values.first)
            record.process.startTime -= 1
            try Ledger(path: stage.state + "/journal").append([.service(record)])
            try stage.start()
            #expect(await eventually { stage.process(of: "sleeper").map { $0.pid != process.pid } ?? false })
            #expect(ProcessTable.runs(process))
            kill(process.pid, SIGKILL)
        }
    }

    @Test func `a process of another boot is nobody's, whatever its number`() async throws {
        let stage = try await Stage()
        stage.desire([.service("sleeper", ["sleep", "1000"])])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            let process = try #require(stage.process(of: "sleeper"))
            await stage.stop()
            // The journal of a machine that was started again: the same number and, by chance, the same start.
            var record = try #require(try Disk.ledgerState(stage.state + "/journal").services.values.first)
            record.process.boot = "00000000-0000-0000-0000-000000000000"
            try Ledger(path: stage.state + "/journal").append([.service(record)])
            try stage.start()
            #expect(await eventually { stage.process(of: "sleeper").map { $0.pid != process.pid } ?? false })
            #expect(ProcessTable.runs(process))
            kill(process.pid, SIGKILL)
        }
    }

    @Test func `why a service cannot be started again is said once, and it runs when it can`() async throws {
        let stage = try await Stage()
        let said = Said()
        Disk.makeFolders(stage.root + "/work")
        let spec = ServiceSpec(command: ["sleep", "1000"], directory: "/work", stopTimeout: .seconds(2))
        let run = ServiceRun(spec: spec, run: "aaaaaaaaaaaa", load: "000000000000")
        stage.desire([
            DesiredField(
                key: FieldKey(.service, "sleeper"), expectation: .exactly("running aaaaaaaaaaaa/000000000000"),
                spec: .service(run))
        ])
        try await stage.withAgent(log: said.log) { () async throws in
            #expect(try await stage.becomesReady())
            let process = try #require(stage.process(of: "sleeper"))
            rename(stage.root + "/work", stage.root + "/away")
            kill(process.pid, SIGKILL)
            let why = "reason=cannot start /usr/bin/sleep: folder \(stage.root)/work: No such file or directory"
            // Each try has a process that is written down before it begins.
            var tries: Set<ProcessIdentity> = []
            #expect(
                await eventually(within: .seconds(30)) {
                    if let now = stage.process(of: "sleeper"), now != process { tries.insert(now) }
                    return tries.count > 2
                })
            #expect(said.count("a service cannot be started again", why) == 1)
            rename(stage.root + "/away", stage.root + "/work")
            #expect(
                try await eventually(within: .seconds(30)) {
                    let value = try await stage.observed[FieldKey(.service, "sleeper")]
                    return value?.hasPrefix("running") == true
                        && stage.process(of: "sleeper").map { ProcessTable.runs($0) } == true
                })
            #expect(said.count("a service cannot be started again") == 1)
        }
    }

    @Test func `after a restart no check says what it said of the process before`() async throws {
        let stage = try await Stage()
        let check = DesiredField.health("flag", .command(["true"]), every: .seconds(60))
        stage.desire([.service("app", ["sleep", "1000"], run: "aaaaaaaaaaaa"), check])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            let before = try await stage.store.instance(stage.id).observed?.revision ?? 0
            stage.desire([.service("app", ["sleep", "1000"], run: "bbbbbbbbbbbb"), check], generation: 2)
            var told: [String] = []
            _ = try await stage.settle {
                let observed = try await stage.store.instance(stage.id).observed
                let runs = observed?.fields[FieldKey(.service, "app")]?.hasPrefix("running bbbbbbbbbbbb") == true
                if runs, let value = observed?.fields[check.key] { told.append(value) }
                return runs && told.last == FieldValue.healthy
            }
            #expect(before > 0 && told.first == FieldValue.unknown)
        }
    }

    @Test func `a service that cannot start fails its job with its own last words`() async throws {
        let stage = try await Stage()
        stage.desire([.service("broken", ["sh", "-c", "echo cannot bind >&2; exit 3"])])
        try await stage.withAgent { () async throws in
            let error = try await stage.failure()
            #expect(error == "step 1 of 1, service:broken: broken exited 3 right after its start: cannot bind")
        }
    }

    @Test func `services end with the agent where they are told to`() async throws {
        let stage = try await Stage()
        stage.desire([.service("sleeper", ["sleep", "1000"])])
        var configuration = stage.configuration()
        configuration.stopServicesOnExit = true
        try await stage.withAgent(configuration) { () async throws in
            #expect(try await stage.becomesReady())
            let process = try #require(stage.process(of: "sleeper"))
            await stage.stop()
            #expect(!ProcessTable.runs(process))
        }
    }

    @Test func `no two agents use one state folder`() async throws {
        let stage = try await Stage()
        try await stage.withAgent { () async throws in
            #expect(throws: StepError.self) { try stage.start() }
        }
    }

    @Test func `the first restart is immediate, then the waits double up to a minute, and are forgotten`() {
        var backoff = RestartBackoff()
        let waits = (0..<9).map { _ in backoff.next(ranFor: .milliseconds(5)) }
        #expect(waits == [0, 1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
        #expect(backoff.next(ranFor: .seconds(10)) == .zero)
        #expect(backoff.next(ranFor: .zero) == .seconds(1))
    }
}
