// Who does a job, and when: leases, a second claim, the turns of one instance and of the package system.

import Agent
import Glibc
import Model
import Store
import TestRedis
import Testing

@Suite struct ClaimTests {
    @Test func `a job that takes longer than its lease keeps it`() async throws {
        let stage = try await Stage()
        // Long enough for a machine that has other things to do, since a heartbeat comes with each third of it.
        let lease: Duration = .seconds(6)
        try await stage.withAgent(stage.configuration(lease: lease)) { () async throws in
            try await ExecutorTests.emit(
                ExecutorTests.job(stage, id: "j", epoch: 1, [ExecutorTests.waiting(stage)], action: .run), on: stage)
            #expect(await eventually { Disk.exists(stage.root + "/log") })
            let claimed = try #require(try await stage.store.job(server: "server1", id: "j")?.claimedAt)
            #expect(
                try await eventually {
                    let due = try await stage.store.job(server: "server1", id: "j")?.dueAt
                    return due.map { $0 - claimed > lease + .seconds(1) } ?? false
                })
            #expect(try await stage.store.job(server: "server1", id: "j")?.attempt == 1)
            Disk.write("", to: stage.root + "/go")
            #expect(try await ExecutorTests.ended(stage, "j")?.state == .done)
        }
    }

    @Test func `a running job that is claimed again is not begun a second time`() async throws {
        let stage = try await Stage()
        let said = Said()
        try await stage.withAgent(log: said.log) { () async throws in
            try await ExecutorTests.emit(
                ExecutorTests.job(stage, id: "j", epoch: 1, [ExecutorTests.waiting(stage)], action: .run), on: stage)
            #expect(await eventually { Disk.exists(stage.root + "/log") })
            // The queue gives it out again, as it does when a lease is over.
            let agent = try StateFolder(stage.state).identity()
            _ = try await stage.store.claim(
                server: "server1", token: "nobody", limit: 0, lease: .seconds(10), boot: true, agent: agent)
            #expect(
                try await eventually { try await stage.store.job(server: "server1", id: "j")?.attempt ?? 0 > 1 })
            Disk.write("", to: stage.root + "/go")
            #expect(try await ExecutorTests.ended(stage, "j")?.state == .done)
            // What is done after it shows that nothing more is said of it.
            try await ExecutorTests.emit(ExecutorTests.job(stage, id: "next", epoch: 1, [.file("/a", "a")]), on: stage)
            #expect(try await ExecutorTests.ended(stage, "next")?.state == .done)
            #expect(await eventually { said.count("a job is done", "job=next") == 1 })
            #expect(said.count("a job is done", "job=j") == 1)
            #expect(Disk.text(stage.root + "/log") == "once\n")
        }
    }

    @Test func `one job of an instance is done at a time, and others meanwhile`() async throws {
        let stage = try await Stage()
        func look(_ id: String, at app: String) -> Job {
            var job = ExecutorTests.job(stage, id: id, epoch: 0, [.file("/a", "a")])
            job.kind = .observe
            job.plan.instance = InstanceID(app: app, server: "server1")
            return job
        }
        try await stage.withAgent { () async throws in
            try await ExecutorTests.emit(
                ExecutorTests.job(stage, id: "j", epoch: 1, [ExecutorTests.waiting(stage)], action: .run), on: stage)
            #expect(await eventually { Disk.exists(stage.root + "/log") })
            try await stage.store.enqueueObserve(look("same", at: "webapp"))
            #expect(
                try await eventually { try await stage.store.job(server: "server1", id: "same")?.state == .active })
            try await stage.store.enqueueObserve(look("other", at: "another"))
            #expect(try await ExecutorTests.ended(stage, "other")?.state == .done)
            #expect(try await stage.store.job(server: "server1", id: "same")?.state == .active)
            Disk.write("", to: stage.root + "/go")
            #expect(try await ExecutorTests.ended(stage, "same")?.state == .done)
        }
    }

    @Test func `jobs that wait for the package system keep no other job waiting`() async throws {
        let stage = try await Stage()
        Disk.makeFolders(stage.root + "/var/lib/dpkg")
        Disk.makeFolders(stage.root + "/run")
        Disk.write("", to: stage.root + "/var/lib/dpkg/status")
        // Another agent of this machine installs something.
        let lock = open(stage.root + "/run/redops-packages.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        try #require(flock(lock, LOCK_EX) == 0)
        defer { close(lock) }
        try await stage.withAgent { () async throws in
            for number in 0...Executor.mostJobs {
                var job = ExecutorTests.job(
                    stage, id: "p\(number)", epoch: 1,
                    [DesiredField(key: FieldKey(.package, "p"), expectation: .present, spec: .package(.present))])
                job.plan.instance = InstanceID(app: "app\(number)", server: "server1")
                try await stage.store.commit(
                    InstanceCommit(
                        id: job.plan.instance, expectedRevision: 0, expectedOpenJob: nil, phase: .progressing, job: job,
                        metDigest: ""),
                    lease: stage.lease)
            }
            let all = 0...Executor.mostJobs
            #expect(
                try await eventually {
                    var active = 0
                    for number in all {
                        let job = try await stage.store.job(server: "server1", id: "p\(number)")
                        if job?.state == .active { active += 1 }
                    }
                    return active == all.count
                })
            try await ExecutorTests.emit(ExecutorTests.job(stage, id: "j", epoch: 1, [.file("/a", "a")]), on: stage)
            #expect(try await ExecutorTests.ended(stage, "j")?.state == .done)
            await stage.stop()
        }
    }

    @Test func `the first of two attempts is refused and the result of the second stays`() async throws {
        let stage = try await Stage()
        let job = ExecutorTests.job(stage, id: "j", epoch: 1, [.file("/a", "a")])
        try await ExecutorTests.emit(job, on: stage)
        let first = try await stage.store.claim(
            server: "server1", token: "first", limit: 1, lease: .milliseconds(1), boot: false, agent: nil)
        #expect(first.claims.count == 1)
        try await stage.withAgent { () async throws in
            #expect(try await ExecutorTests.ended(stage, "j")?.state == .done)
            await #expect(throws: StoreError.self) {
                try await stage.store.complete(
                    server: "server1", id: "j", token: "first", result: .dead(error: "late"), output: "", report: nil)
            }
            #expect(try await ExecutorTests.ended(stage, "j")?.state == .done)
            #expect(try await ExecutorTests.ended(stage, "j")?.attempt == 2)
        }
    }
}
