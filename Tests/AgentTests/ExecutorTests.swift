// Jobs under faults: epochs, redelivery, attempts that were given up, crashes in the middle, deadlines.

import Agent
import Glibc
import Model
import Store
import TestRedis
import Testing

@Suite struct ExecutorTests {
    /// Puts a job on the queue as a leader of this epoch would.
    static func emit(_ job: Job, on stage: Stage<InMemoryStore>) async throws {
        let snapshot = try await stage.store.instance(stage.id)
        try await stage.store.commit(
            InstanceCommit(
                id: stage.id, expectedRevision: snapshot.observed?.revision ?? 0,
                expectedOpenJob: snapshot.control?.openJob, phase: .progressing, job: job, metDigest: ""),
            lease: stage.lease)
    }

    static func job(
        _ stage: Stage<InMemoryStore>, id: String, epoch: Int64, _ fields: [DesiredField], action: StepAction = .create
    ) -> Job {
        let steps = fields.map {
            Step(field: $0.key, action: action, from: nil, to: $0.expectation.text, spec: $0.spec)
        }
        return Job(
            id: id, kind: .apply, epoch: epoch,
            plan: Plan(instance: stage.id, generation: 1, digest: "d", revision: 0, round: 0, steps: steps))
    }

    static func ended(_ stage: Stage<InMemoryStore>, _ id: String) async throws -> JobRecord? {
        var record: JobRecord?
        _ = try await eventually(within: .seconds(20)) {
            record = try await stage.store.job(server: "server1", id: id)
            return record.map { !$0.state.isOpen } ?? false
        }
        return record
    }

    @Test func `a job of an older epoch than one seen before is refused, after a restart too`() async throws {
        let stage = try await Stage()
        try await stage.withAgent { () async throws in
            try await Self.emit(Self.job(stage, id: "new", epoch: 7, [.file("/a", "a")]), on: stage)
            #expect(try await Self.ended(stage, "new")?.state == .done)
            await stage.stop()
            try stage.start()
            try await Self.emit(Self.job(stage, id: "old", epoch: 6, [.file("/a", "b")]), on: stage)
            let old = try #require(try await Self.ended(stage, "old"))
            #expect(old.state == .cancelled)
            #expect(old.error?.hasPrefix("refused: epoch 6 is older than 7") == true)
            #expect(Disk.text(stage.root + "/a") == "a")
        }
    }

    @Test func `a job whose acknowledgement was lost is answered from the journal without effects`() async throws {
        let stage = try await Stage()
        try await stage.withAgent { () async throws in
            let wait = "while [ ! -e \(stage.root)/go ]; do sleep 0.01; done"
            let script = "echo once >> \(stage.root)/log; \(wait); touch \(stage.root)/done"
            let job = Self.job(
                stage, id: "j", epoch: 1, [.command("c", ["sh", "-c", script], creates: "/done")], action: .run)
            try await Self.emit(job, on: stage)
            // The store goes away while the command runs, and is back for the agent's next life only.
            #expect(await eventually { Disk.exists(stage.root + "/log") })
            await stage.store.setOutage(.unavailable("away"))
            Disk.write("", to: stage.root + "/go")
            #expect(await eventually { (try? Disk.ledgerState(stage.state + "/journal"))?.ended["j-1"] != nil })
            await stage.stop()
            unlink(stage.root + "/done")
            await stage.store.setOutage(nil)
            try stage.start()
            let record = try await Self.ended(stage, "j")
            #expect(record?.state == .done && record?.attempt == 2)
            #expect(Disk.text(stage.root + "/log") == "once\n")
        }
    }

    /// A command that goes on until the test lets it.
    private static func waiting(_ stage: Stage<InMemoryStore>) -> DesiredField {
        let wait = "while [ ! -e \(stage.root)/go ]; do sleep 0.01; done"
        return .command(
            "c", ["sh", "-c", "echo once >> \(stage.root)/log; \(wait); touch \(stage.root)/done"], creates: "/done")
    }

    @Test func `a job that takes longer than its lease keeps it`() async throws {
        let stage = try await Stage()
        try await stage.withAgent(stage.configuration(lease: .milliseconds(600))) { () async throws in
            try await Self.emit(Self.job(stage, id: "j", epoch: 1, [Self.waiting(stage)], action: .run), on: stage)
            #expect(await eventually { Disk.exists(stage.root + "/log") })
            let claimed = try #require(try await stage.store.job(server: "server1", id: "j")?.claimedAt)
            #expect(
                try await eventually {
                    let due = try await stage.store.job(server: "server1", id: "j")?.dueAt
                    return due.map { $0 - claimed > .milliseconds(1200) } ?? false
                })
            #expect(try await stage.store.job(server: "server1", id: "j")?.attempt == 1)
            Disk.write("", to: stage.root + "/go")
            #expect(try await Self.ended(stage, "j")?.state == .done)
        }
    }

    @Test func `a running job that is claimed again is not begun a second time`() async throws {
        let stage = try await Stage()
        let said = Said()
        try await stage.withAgent(stage.configuration(lease: .milliseconds(300)), log: said.log) { () async throws in
            try await Self.emit(Self.job(stage, id: "j", epoch: 1, [Self.waiting(stage)], action: .run), on: stage)
            #expect(await eventually { Disk.exists(stage.root + "/log") })
            // No heartbeat reaches the store until the lease is over.
            await stage.store.setOutage(.unavailable("away"))
            let out = wallClock()
            #expect(await eventually { wallClock() - out > .milliseconds(400) })
            await stage.store.setOutage(nil)
            #expect(
                try await eventually { try await stage.store.job(server: "server1", id: "j")?.attempt ?? 0 > 1 })
            Disk.write("", to: stage.root + "/go")
            #expect(try await Self.ended(stage, "j")?.state == .done)
            // What is done after it shows that nothing more is said of it.
            try await Self.emit(Self.job(stage, id: "next", epoch: 1, [.file("/a", "a")]), on: stage)
            #expect(try await Self.ended(stage, "next")?.state == .done)
            #expect(await eventually { said.count("a job is done", "job=next") == 1 })
            #expect(said.count("a job is done", "job=j") == 1)
            #expect(Disk.text(stage.root + "/log") == "once\n")
        }
    }

    @Test func `one job of an instance is done at a time, and others meanwhile`() async throws {
        let stage = try await Stage()
        func look(_ id: String, at app: String) -> Job {
            var job = Self.job(stage, id: id, epoch: 0, [.file("/a", "a")])
            job.kind = .observe
            job.plan.instance = InstanceID(app: app, server: "server1")
            return job
        }
        try await stage.withAgent { () async throws in
            try await Self.emit(Self.job(stage, id: "j", epoch: 1, [Self.waiting(stage)], action: .run), on: stage)
            #expect(await eventually { Disk.exists(stage.root + "/log") })
            try await stage.store.enqueueObserve(look("same", at: "webapp"))
            #expect(
                try await eventually { try await stage.store.job(server: "server1", id: "same")?.state == .active })
            try await stage.store.enqueueObserve(look("other", at: "another"))
            #expect(try await Self.ended(stage, "other")?.state == .done)
            #expect(try await stage.store.job(server: "server1", id: "same")?.state == .active)
            Disk.write("", to: stage.root + "/go")
            #expect(try await Self.ended(stage, "same")?.state == .done)
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
                var job = Self.job(
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
            try await Self.emit(Self.job(stage, id: "j", epoch: 1, [.file("/a", "a")]), on: stage)
            #expect(try await Self.ended(stage, "j")?.state == .done)
            await stage.stop()
        }
    }

    @Test func `a job of a newer epoch is done though an older one had its id`() async throws {
        let stage = try await Stage()
        try await stage.withAgent { () async throws in
            try await Self.emit(Self.job(stage, id: "j", epoch: 1, [.file("/a", "a")]), on: stage)
            #expect(try await Self.ended(stage, "j")?.state == .done)
            // The store lost everything: revisions start again, and so do ids.
            unlink(stage.root + "/a")
            await stage.store.loseEverything()
            try await stage.store.seal(stage.lease)
            try await Self.emit(Self.job(stage, id: "j", epoch: 2, [.file("/a", "b")]), on: stage)
            #expect(try await Self.ended(stage, "j")?.state == .done)
            #expect(Disk.text(stage.root + "/a") == "b")
        }
    }

    @Test func `the first of two attempts is refused and the result of the second stays`() async throws {
        let stage = try await Stage()
        let job = Self.job(stage, id: "j", epoch: 1, [.file("/a", "a")])
        try await Self.emit(job, on: stage)
        let first = try await stage.store.claim(
            server: "server1", token: "first", limit: 1, lease: .milliseconds(1), boot: false)
        #expect(first.claims.count == 1)
        try await stage.withAgent { () async throws in
            #expect(try await Self.ended(stage, "j")?.state == .done)
            await #expect(throws: StoreError.self) {
                try await stage.store.complete(
                    server: "server1", id: "j", token: "first", result: .dead(error: "late"), output: "", report: nil)
            }
            #expect(try await Self.ended(stage, "j")?.state == .done)
            #expect(try await Self.ended(stage, "j")?.attempt == 2)
        }
    }

    @Test func `a command that was running when the agent ended is waited for and not run again`() async throws {
        let stage = try await Stage()
        let script = "echo once >> \(stage.root)/log; sleep 1; touch \(stage.root)/done"
        let job = Self.job(
            stage, id: "j", epoch: 1, [.command("c", ["sh", "-c", script], creates: "/done")], action: .run)
        try await stage.withAgent { () async throws in
            try await Self.emit(job, on: stage)
            #expect(await eventually { Disk.exists(stage.root + "/log") })
            await stage.stop()
            let start = ContinuousClock.now
            try stage.start()
            #expect(
                try await eventually(within: .milliseconds(500)) {
                    try await stage.store.job(server: "server1", id: "j")?.attempt == 2
                })
            #expect(try await Self.ended(stage, "j")?.state == .done)
            #expect(ContinuousClock.now - start < .seconds(3))
            #expect(Disk.text(stage.root + "/log") == "once\n")
        }
    }

    @Test func `a step that hangs is stopped with its whole group at its deadline`() async throws {
        let stage = try await Stage()
        let script = "sleep 1000 & echo $! > \(stage.root)/child; trap '' TERM; echo waiting; wait; sleep 1000"
        let field = DesiredField.command("c", ["sh", "-c", script], creates: "/never", timeout: .milliseconds(300))
        try await stage.withAgent { () async throws in
            try await Self.emit(Self.job(stage, id: "j", epoch: 1, [field], action: .run), on: stage)
            #expect(
                try await eventually(within: .seconds(10)) {
                    try await stage.store.job(server: "server1", id: "j")?.state == .delayed
                })
            let error = try #require(try await stage.store.job(server: "server1", id: "j")?.error)
            #expect(error == "step 1 of 1, command:c: sh had not ended after 0.3 seconds and was stopped: waiting")
            let child = try #require(Disk.text(stage.root + "/child").flatMap { Int32($0.prefix { $0.isNumber }) })
            #expect(await eventually { kill(child, 0) != 0 || ProcessTable.identity(of: child) == nil })
        }
    }

    @Test func `output is kept with the job and bounded`() async throws {
        let stage = try await Stage()
        let script = "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; touch \(stage.root)/done"
        let job = Self.job(
            stage, id: "j", epoch: 1, [.command("c", ["sh", "-c", script], creates: "/done")], action: .run)
        try await stage.withAgent { () async throws in
            try await Self.emit(job, on: stage)
            let output = try #require(try await Self.ended(stage, "j")?.output)
            #expect(output.utf8.count <= QueueBounds.outputBytes)
            #expect(output.hasSuffix("line 2999\n"))
        }
    }

    @Test func `an observe job looks and changes nothing`() async throws {
        let stage = try await Stage()
        var job = Self.job(stage, id: "look", epoch: 0, [.file("/a", "a")])
        job.kind = .observe
        try await stage.withAgent { () async throws in
            try await stage.store.enqueueObserve(job)
            let record = try #require(try await Self.ended(stage, "look"))
            #expect(record.output == #"{"file:/a":"absent"}"#)
            #expect(!Disk.exists(stage.root + "/a"))
        }
    }

    @Test func `the waits between attempts grow, are bounded, and are the same for the same job`() {
        for attempt in 1...20 {
            let wait = RetryPlan.wait(job: "abc", attempt: attempt)
            let base = min(Duration.seconds(60), .seconds(1 << min(attempt - 1, 6)))
            #expect(wait >= base && wait <= base + base / 4)
            #expect(wait == RetryPlan.wait(job: "abc", attempt: attempt))
        }
    }
}
