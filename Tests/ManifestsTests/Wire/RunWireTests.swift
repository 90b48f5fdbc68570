// Runs on the queue and on the screen, and how far Schedules have come.

import JSON
import Model
import TestSeeds
import Testing

@testable import Manifests

@Suite struct RunWireTests {
    private let time = Timestamp(milliseconds: 1_763_706_000_123)

    private func expectSame<Value: WireValue & Equatable>(
        _ value: Value, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(try Value(wireText: value.wireText) == value, sourceLocation: sourceLocation)
    }

    private let steps: [RunStep] = [
        .command(RunCommand(command: ["true"])),
        .command(
            RunCommand(
                command: ["a", "", "é\n"], environment: ["A": "b"], directory: "/srv", user: "backup",
                timeout: .milliseconds(1500), creates: "/p", unless: ["test", "x"], input: "/in", output: "/out")),
        .restart(app: "shop", services: []), .restart(app: "shop", services: ["web"]),
        .upgrade(packages: ["nginx"]), .keep(KeepRule(count: 7, folder: "/var/backups", pattern: "shop-*.sql")),
    ]

    private var job: RunJob {
        RunJob(
            id: "nightly-20261128T020000Z", steps: steps, origin: "Schedule/nightly", timeout: .seconds(5),
            deadline: time, scheduledFor: time, values: ["config.a": "b"], isRepeatable: true, priority: 9,
            maximumAttempts: 3)
    }

    @Test func `what was written is read as the same value`() throws {
        for step in steps { try expectSame(step) }
        let plain = RunJob(id: "a", steps: [steps[0]], origin: "inbox")
        var empty = plain
        empty.values = [:]
        for job in [job, plain, empty] { try expectSame(job) }
        for state in JobState.allCases {
            try expectSame(
                RunRecord(
                    queue: .server("server1"), job: job, state: state, attempt: 2, enqueuedAt: time, dueAt: time,
                    claimedAt: time, finishedAt: time, server: "server2", error: "e", exitCode: -1, isCancelling: true))
            try expectSame(
                RunRecord(
                    queue: try #require(RunQueue("@role=web")), job: plain, state: state, attempt: 0, enqueuedAt: time))
        }
        try expectSame(ScheduleState(generation: 1, decidedUntil: time))
        try expectSame(
            ScheduleState(
                generation: 3, decidedUntil: time,
                lastRun: .init(
                    id: "x", time: time, queues: [.server("a"), try #require(RunQueue("@role=web,zone=a"))]),
                edges: ["a.b": .init(since: time, firedAt: time, hasFired: true), "c": .init()], leftOut: "not over",
                unwatched: "no server"))
    }

    @Test func `what is as usual is left out: a plain command is small`() {
        let job = RunJob(
            id: "7f6c2b1e-7c1f-4a7e-9a57-0b5f0d6f1f2a", steps: [.command(RunCommand(command: ["/usr/bin/true"]))],
            origin: "run by ann@laptop", values: [:])
        #expect(
            job.wireText
                == #"{"id":"7f6c2b1e-7c1f-4a7e-9a57-0b5f0d6f1f2a","origin":"run by ann@laptop","#
                + #""steps":[{"command":["/usr/bin/true"]}],"values":{}}"#)
        #expect(job.wireText.utf8.count < 200)
    }

    @Test(arguments: [
        (#"{"id":"../x","steps":[{"upgrade":["x"]}],"origin":""}"#, "id: expected letters"),
        (#"{"id":"a","steps":[],"origin":""}"#, "steps: expected 1 to 100"),
        (#"{"id":"a","steps":[{}],"origin":""}"#, "steps[0]: expected one of command, restart, upgrade, keep"),
        (#"{"id":"a","steps":[{"command":[]}],"origin":""}"#, "steps[0].command: expected a program"),
        (#"{"id":"a","steps":[{"upgrade":[],"restart":[]}],"origin":""}"#, "steps[0]: expected one of"),
        (#"{"id":"a","steps":[{"upgrade":["x"],"app":"y"}],"origin":""}"#, "steps[0]: unknown member \"app\""),
        (
            #"{"id":"a","steps":[{"keep":0,"in":"/","matching":"*"}],"origin":""}"#,
            "steps[0].keep: expected an integer from 1"
        ),
        (#"{"id":"a","steps":[{"upgrade":["x"]}],"origin":"","priority":10}"#, "priority"),
        (#"{"id":"a","steps":[{"upgrade":["x"]}],"origin":"","attempts":0}"#, "attempts"),
        (#"{"id":"a","steps":[{"upgrade":["x"]}],"origin":"","timeoutMs":-1}"#, "timeoutMs"),
        (#"{"id":"a","steps":[{"upgrade":["x"]}],"origin":"","values":{"a":1}}"#, "values"),
        (#"{"id":"a","steps":[{"upgrade":["x"]}],"origin":"","extra":1}"#, "unknown member \"extra\""),
    ])
    func `what is no job is refused, with its place`(_ text: String, _ message: String) {
        let error = #expect(throws: WireError.self) { try RunJob(wireText: text) }
        #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "nothing")")
    }

    @Test func `a record with a member that neither it nor its job has is refused`() throws {
        var json = RunRecord(queue: .server("a"), job: job, state: .ready, attempt: 0, enqueuedAt: time).json
        #expect(try RunRecord(json: json).job == job)
        json["extra"] = 1
        #expect(throws: WireError.self) { try RunRecord(json: json) }
        json["extra"] = nil
        json["queue"] = "@"
        #expect(throws: WireError.self) { try RunRecord(json: json) }
    }

    @Test func `no cut or changed text is read as another value without being that value's own text`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        let bytes = Array(job.wireText.utf8)
        for round in 0..<1000 {
            var changed = bytes
            changed[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            if let job = try? RunJob(wireText: String(decoding: changed, as: UTF8.self)) {
                #expect(try RunJob(wireText: job.wireText) == job, "seed \(seed), round \(round)")
            }
        }
    }
}
