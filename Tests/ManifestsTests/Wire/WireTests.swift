// One JSON form for what is stored, journaled and printed: read strictly, and read back as it was written.

import JSON
import Model
import Testing

@testable import Manifests

@Suite struct WireTests {
    private let time = Timestamp(milliseconds: 1_763_706_000_123)

    private func expectSame<Value: WireValue & Equatable>(
        _ value: Value, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(try Value(wireText: value.wireText) == value, sourceLocation: sourceLocation)
    }

    /// Every kind of field, with everything that can be left out, given.
    private var specs: [(FieldKey, FieldSpec, Model.Expectation)] {
        let ownership = Ownership(mode: 0o4755, owner: "www", group: "users")
        let service = ServiceSpec(
            command: ["nginx", "-g", "daemon off;"], environment: ["A": "é\n"], directory: "/", user: "www",
            restartOn: [FieldKey(.file, "/a:b")], reloadOn: [FieldKey(.config, "x")], reload: .signal("HUP"),
            stopTimeout: .milliseconds(1500))
        let command = CommandSpec(
            command: ["true"], creates: "/x", unless: ["test", ""], environment: ["B": ""], directory: "/tmp",
            user: "root", timeout: .seconds(3))
        let render = FileRender(digest: "abc", size: 2, ownership: ownership, content: [0xFF, 0])
        return [
            (FieldKey(.config, "port"), .config(value: "8080"), .exactly("8080")),
            (FieldKey(.package, "nginx"), .package(.version("1.22*")), .startsWith("1.22")),
            (FieldKey(.package, "curl"), .package(.present), .present),
            (FieldKey(.package, "vim"), .package(.absent), .exactly("absent")),
            (
                FieldKey(.directory, "/srv"), .directory(ownership),
                .owned(head: "directory 0755", owner: "www", group: nil)
            ),
            (FieldKey(.file, "/srv/a"), .file(render), .owned(head: "sha256:abc 0644", owner: nil, group: "users")),
            (FieldKey(.command, "init"), .command(command), .exactly("done")),
            (
                FieldKey(.service, "nginx"), .service(ServiceRun(spec: service, run: "r", load: "l")),
                .exactly("running r/l")
            ),
            (
                FieldKey(.health, "home"),
                .health(HealthSpec(probe: .http("http://h/"), every: .seconds(1), timeout: .milliseconds(20))),
                .exactly("healthy")
            ),
            (FieldKey(.health, "tcp"), .health(HealthSpec(probe: .tcp("h:1"))), .exactly("healthy")),
            (FieldKey(.health, "cmd"), .health(HealthSpec(probe: .command(["true"]))), .exactly("healthy")),
        ]
    }

    private var plan: Plan {
        let steps = specs.map { Step(field: $0.0, action: .create, from: "absent", to: "x", spec: $0.1) }
        let removal = Step(field: FieldKey(.file, "/b"), action: .remove, from: nil, to: "absent", spec: nil)
        return Plan(
            instance: InstanceID(app: "webapp", server: "server1"), generation: 3, digest: "d", revision: 9, round: 1,
            steps: steps + [removal])
    }

    @Test func `what was written is read as the same value`() throws {
        let fields = specs.map { DesiredField(key: $0.0, expectation: $0.2, spec: $0.1) }
        try expectSame(
            Assignment(id: InstanceID(app: nil, server: "server1"), generation: 1, digest: "d", fields: fields))
        let job = Job(id: "00ff", kind: .apply, epoch: 1_763_706_000_123, plan: plan)
        try expectSame(job)
        try expectSame(Claim(job: job, attempt: 2, token: "t", leaseEndsAt: time))
        for state in JobState.allCases {
            try expectSame(
                JobRecord(
                    job: job, state: state, attempt: 1, enqueuedAt: time, claimedAt: time, finishedAt: time,
                    dueAt: time,
                    error: "e", output: "o\u{1B}[0m"))
            try expectSame(JobRecord(job: job, state: state, attempt: 0, enqueuedAt: time))
        }
        for result in [
            AttemptResult.done, .failed(error: "x", retryAfter: .milliseconds(1250)), .dead(error: ""),
        ] {
            try expectSame(result)
        }
        for cause in [DriftRecord.Cause.new, .desiredChanged, .changedOnServer] {
            try expectSame(
                DriftRecord(
                    field: FieldKey(.file, "/a"), desired: "x", observed: "y", onset: time, cause: cause,
                    repairedAt: time))
        }
        try expectSame(Event(at: time, severity: .warning, subject: "leader", reason: "R", message: "m"))
        let condition = Condition(type: .drifted, status: false, reason: "R", message: "m", since: time)
        try expectSame(ResourceStatus(observedGeneration: 4, conditions: [condition], counts: [.ready: 2, .failed: 0]))
        try expectSame(
            ObservedInstance(
                id: InstanceID(app: "a", server: "b"), revision: 1, generation: 2, digest: "d", reportedAt: time,
                fields: [FieldKey(.file, "/a"): "x"]))
        try expectSame(ObservedServer(name: "s", revision: 1, reportedAt: nil, values: ["cpu": "30"]))
        try expectSame(ServiceSpec.Reload.command(["nginx", "-s", "reload"]))
    }

    @Test func `file contents are text where they can be, else base64`() throws {
        func render(_ content: [UInt8]?) -> FileRender {
            FileRender(digest: "d", size: content?.count ?? 0, ownership: Ownership(mode: 0o600), content: content)
        }
        #expect(render(Array("é\n".utf8)).json["content"] == "é\n")
        #expect(render([]).json["content"] == "")
        #expect(render([0]).json["content64"] == "AA==")
        #expect(render(nil).json == ["digest": "d", "size": 0, "mode": "0600"])
        for length in 0..<70 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 37 + 200) }
            try expectSame(render(bytes))
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
        for text in ["A", "AA", "AAA", "AA=", "A===", "AB==", "AA==AA==", "AAA-", "AAB=", "AA A", "=AAA"] {
            #expect(Base64.decode(text) == nil, "\(text)")
        }
        #expect(Base64.encode(Array("foobar".utf8)) == "Zm9vYmFy")
    }

    @Test func `a text with a NUL stays readable`() throws {
        let record = DriftRecord(field: FieldKey(.file, "/a"), desired: "x", observed: "a\0b", onset: time, cause: .new)
        #expect(try DriftRecord(wireText: record.wireText).observed == "a\u{FFFD}b")
    }

    @Test(arguments: [
        (#"{"id":"1"}"#, #"kind: expected apply or observe, found nothing"#),
        (#"[]"#, #"expected an object, found an array"#),
        (#"{"x":1}"#, #"unknown member "x"; known: epoch, id, kind, plan"#),
        (#"{"id":1,"kind":"apply"}"#, #"id: expected a string, found an integer"#),
        (#"{"#, "not JSON: "),
        (
            #"{"id":"1","kind":"apply","epoch":1,"plan":{"instance":"a@b@c"}}"#,
            #"plan.instance: expected an instance such as webapp@server1, found "a@b@c""#
        ),
        (
            #"{"id":"1","kind":"apply","epoch":1,"plan":{"instance":"a@b","generation":1,"digest":"","revision":1,"#
                + #""round":0,"steps":[{"field":"file:/a","action":"create","to":"x","spec":{"file":{"mode":"9"}}}]}}"#,
            #"plan.steps[0].spec.file.digest: expected a string, found nothing"#
        ),
        (
            #"{"id":"1","kind":"apply","epoch":1,"plan":{"instance":"a@b","generation":1,"digest":"","revision":1,"#
                + #""round":0,"steps":[{"field":"nothing","action":"create","to":"x"}]}}"#,
            #"plan.steps[0].field: expected a field such as file:/etc/hosts, found "nothing""#
        ),
        (
            #"{"id":"1","kind":"apply","epoch":1,"plan":{"instance":"a@b","generation":1,"digest":"","revision":1,"#
                + #""round":-1,"steps":[]}}"#,
            #"plan.round: expected an integer from 0, found an integer"#
        ),
    ])
    func `what is not the form is refused, with its place`(_ text: String, _ message: String) {
        let error = #expect(throws: WireError.self) { try Job(wireText: text) }
        #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "nothing")")
    }

    @Test func `no cut or changed text is read as another value without being that value's own text`() throws {
        let text = Job(id: "1", kind: .apply, epoch: 1, plan: plan).wireText
        let bytes = Array(text.utf8)
        var seed: UInt64 = 1
        for _ in 0..<400 {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            var changed = bytes
            changed[Int(seed >> 33) % bytes.count] = UInt8(truncatingIfNeeded: seed >> 20)
            if let job = try? Job(wireText: String(decoding: changed, as: UTF8.self)) {
                #expect(try Job(wireText: job.wireText) == job, "seed \(seed)")
            }
        }
    }

    @Test(
        arguments: [
            ("2026-11-21T05:54:00Z", 1_795_240_440_000), ("1970-01-01T00:00:00.001Z", 1),
            ("1969-12-31T23:59:59.999Z", -1),
            ("2024-02-29T12:00:00+01:30", 1_709_202_600_000), ("2000-01-01T00:00:00.5Z", 946_684_800_500),
            ("2000-01-01T00:00:00.123999Z", 946_684_800_123),
        ] as [(String, Int64)])
    func `times are read as RFC 3339`(_ text: String, _ milliseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "2026-11-21", "2026-11-21T05:54:00", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-21T24:00:00Z",
        "2026-11-21T05:54:00.Z", "2026-11-21T05:54:00Zx", "2026-11-21 05:54:00Z", "2026-00-10T00:00:00Z",
    ])
    func `what is no time is refused`(_ text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func `times are read as they are written, over five thousand years`() {
        for step in 0..<2000 {
            let time = Timestamp(milliseconds: Int64(step) * 79_200_000_123 - 62_000_000_000_000)
            #expect(Timestamp(rfc3339: time.rfc3339) == time, "\(time.rfc3339)")
        }
    }
}
