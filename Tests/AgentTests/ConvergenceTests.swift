// The loop on a real machine: what is desired becomes so, what is changed by hand is seen and repaired, what is removed
// leaves nothing behind that this agent made and everything that it did not.

import Agent
import Glibc
import Model
import Store
import TestRedis
import Testing

@Suite struct ConvergenceTests {
    @Test func `an empty root is brought to what is desired`() async throws {
        let stage = try await Stage()
        stage.desire([
            .config("port", "8080"), .directory("/srv/www", mode: 0o750), .file("/srv/www/index.html", "hello\n"),
            .file("/etc/webapp/app.conf", "port 8080\n", mode: 0o600),
            .service("sleeper", ["sleep", "1000"]),
        ])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            #expect(Disk.text(stage.root + "/srv/www/index.html") == "hello\n")
            #expect(Disk.mode(stage.root + "/srv/www") == 0o750)
            #expect(Disk.mode(stage.root + "/etc/webapp/app.conf") == 0o600)
            #expect(Disk.names(stage.root + "/srv/www") == ["index.html"])
            let process = try #require(stage.process(of: "sleeper"))
            #expect(ProcessTable.runs(process))
            #expect(getsid(process.pid) == process.pid)
        }
    }

    @Test func `an edited file is seen and repaired long before the next sweep`() async throws {
        let stage = try await Stage()
        stage.desire([.file("/srv/www/index.html", "hello\n")])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            let start = ContinuousClock.now
            Disk.write("bad\n", to: stage.root + "/srv/www/index.html")
            #expect(try await stage.settle { Disk.text(stage.root + "/srv/www/index.html") == "hello\n" })
            #expect(ContinuousClock.now - start < .seconds(10))
            #expect(try await stage.becomesReady())
        }
    }

    @Test func `a folder that is moved away with all that is in it is made anew`() async throws {
        let stage = try await Stage()
        stage.desire([.directory("/srv/www"), .file("/srv/www/deep/index.html", "hello\n")])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            rename(stage.root + "/srv", stage.root + "/srv.old")
            #expect(try await stage.sees(FieldKey(.file, "/srv/www/deep/index.html"), FieldValue.absent))
            #expect(try await stage.becomesReady())
            #expect(Disk.text(stage.root + "/srv/www/deep/index.html") == "hello\n")
            // The new folders are watched like the old ones.
            Disk.write("bad\n", to: stage.root + "/srv/www/deep/index.html")
            #expect(try await stage.settle { Disk.text(stage.root + "/srv/www/deep/index.html") == "hello\n" })
        }
    }

    @Test func `a killed service is reported as killed and runs again`() async throws {
        let stage = try await Stage()
        stage.desire([.service("sleeper", ["sleep", "1000"])])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            let first = try #require(stage.process(of: "sleeper"))
            kill(first.pid, SIGKILL)
            #expect(
                try await stage.settle {
                    try await stage.store.driftHistory(server: "server1", limit: 10).contains {
                        $0.1.observed == "killed 9"
                    }
                })
            #expect(try await stage.becomesReady())
            let second = try #require(stage.process(of: "sleeper"))
            #expect(second != first)
            #expect(ProcessTable.runs(second))
        }
    }

    @Test func `what a removed instance made is gone, and nothing else is`() async throws {
        let stage = try await Stage()
        Disk.makeFolders(stage.root + "/etc/other")
        Disk.makeFolders(stage.root + "/srv")
        Disk.write("mine\n", to: stage.root + "/etc/adopted.conf")
        stage.desire([
            .directory("/srv/www"), .file("/srv/www/index.html", "hello\n"), .file("/var/deep/er/made", "x"),
            .directory("/etc/other"), .file("/etc/adopted.conf", "ours\n"), .config("a", "1"),
            .service("sleeper", ["sleep", "1000"]),
        ])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            let process = try #require(stage.process(of: "sleeper"))
            Disk.write("foreign\n", to: stage.root + "/var/foreign")
            stage.desireNothing()
            #expect(
                try await stage.settle {
                    let snapshot = try await stage.store.instance(stage.id)
                    return snapshot.control == nil && snapshot.observed == nil
                })
            #expect(!ProcessTable.runs(process))
            #expect(Disk.names(stage.root + "/srv") == [])
            #expect(Disk.names(stage.root + "/etc") == ["adopted.conf", "other"])
            #expect(Disk.names(stage.root + "/var") == ["foreign"])
            let state = try Disk.ledgerState(stage.state + "/journal")
            #expect(state.made.isEmpty && state.config.isEmpty && state.services.isEmpty)
        }
    }

    @Test func `a field that left the manifest is taken back`() async throws {
        let stage = try await Stage()
        stage.desire([.file("/a", "a"), .file("/b", "b"), .service("one", ["sleep", "1000"])])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            let process = try #require(stage.process(of: "one"))
            stage.desire([.file("/a", "a")], generation: 2)
            #expect(try await stage.settle { !Disk.exists(stage.root + "/b") && !ProcessTable.runs(process) })
            #expect(try await stage.becomesReady())
            #expect(Disk.names(stage.root) == ["a"])
        }
    }

    @Test func `a command runs until its proof holds, and not again`() async throws {
        let stage = try await Stage()
        let script = "echo once >> \(stage.root)/log; touch \(stage.root)/done"
        stage.desire([
            .command("setup", ["sh", "-c", script], creates: "/done"),
            .command("other", ["touch", stage.root + "/other"], unless: ["test", "-e", stage.root + "/other"]),
        ])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            #expect(Disk.text(stage.root + "/log") == "once\n")
            #expect(Disk.exists(stage.root + "/other"))
        }
    }

    @Test func `health is looked at on its own schedule`() async throws {
        let stage = try await Stage()
        stage.desire([
            .health("flag", .command(["test", "-e", stage.root + "/flag"]), every: .milliseconds(100)),
            .health("closed", .tcp("127.0.0.1:1"), every: .milliseconds(100)),
        ])
        try await stage.withAgent { () async throws in
            #expect(
                try await stage.settle {
                    try await stage.observed[FieldKey(.health, "flag")]?.hasPrefix("unhealthy") == true
                })
            Disk.write("", to: stage.root + "/flag")
            #expect(try await stage.sees(FieldKey(.health, "flag"), FieldValue.healthy))
            let closed = try await stage.observed[FieldKey(.health, "closed")]
            #expect(closed == "unhealthy: 127.0.0.1:1: Connection refused")
        }
    }
}
