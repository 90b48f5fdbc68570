// What people and scripts want run, as JSON: steps in a file, and jobs of the inbox.

import Manifests
import Model
import TestSeeds
import Testing

@Suite struct RunRequestTests {
    private func steps(_ text: String) throws -> StepsFile {
        try RunRequestReader.steps(ManifestSource(name: "steps.json", text: text))
    }

    private func inbox(_ text: String) throws -> InboxRequest { try RunRequestReader.inbox(Array(text.utf8)) }

    private func refusal(_ text: String) -> String {
        do throws(RunRequestError) {
            return "\(try RunRequestReader.inbox(Array(text.utf8)))"
        } catch {
            return error.description
        }
    }

    @Test func `a file of steps is an array, or an object that says how they are run`() throws {
        let step = RunStep.command(RunCommand(command: ["echo", "$${HOME}", "${run.id}"]))
        #expect(try steps(#"[{"command":["echo","$${HOME}","${run.id}"]}]"#) == StepsFile(steps: [step]))
        #expect(
            try steps(#"{"steps":[{"restart":["web"],"app":"shop"}],"timeout":"2m","retries":3,"priority":9}"#)
                == StepsFile(
                    steps: [.restart(app: "shop", services: ["web"])],
                    options: RunOptions(timeout: .seconds(120), retries: 3, priority: 9)))
    }

    @Test(arguments: [
        (
            "[\n  {\"comand\": [\"x\"]}]",
            "steps.json:2:4: [0].comand: unknown field \"comand\"; did you mean \"command\"?"
        ),
        (#"[]"#, "steps.json:1:1: expected at least one step, found an empty array"),
        (#"{"step":[]}"#, "steps.json:1:2: step: unknown field \"step\"; did you mean \"steps\"?"),
        (
            #"[{"command":["x","${config.port}"]}]"#,
            "steps.json:1:19: [0].command[1]: unknown template name \"config.port\"; "
                + "config is known in the actions of an App only"
        ),
        (
            #"[{"restart":[]}]"#,
            "steps.json:1:3: [0].restart: expected the field \"app\" beside \"restart\", found none"
        ),
        (#"[{"command":["x"],"output":"../x"}]"#, "steps.json:1:28: [0].output: expected an absolute path"),
        ("[", "steps.json:1:"), (#""x""#, "steps.json:1:1: expected an object, found \"x\""),
    ])
    func `what is wrong with a file of steps is told with its place`(_ text: String, _ message: String) {
        let error = #expect(throws: ManifestErrors.self) { try steps(text) }
        let lines = error?.errors.map(\.description) ?? []
        #expect(lines.contains { $0.hasPrefix(message) }, "\(lines)")
    }

    @Test func `a job of the inbox may be as long or as short as it likes`() throws {
        let echo = RunWork.steps([.command(RunCommand(command: ["echo", "hi"]))])
        #expect(
            try inbox(#"{"command":["echo","hi"],"on":"server1"}"#)
                == InboxRequest(request: RunRequest(work: echo, targets: .servers(["server1"]))))
        #expect(try inbox(#"{"command":["x"],"on":["a","b"]}"#).request.targets == .servers(["a", "b"]))
        #expect(try inbox(#"{"command":["x"],"on":{"selector":{}}}"#).request.targets == .selector([:]))
        #expect(
            try inbox(#"{"command":["x"],"on":{"selector":{"role":"web"},"any":2}}"#).request.targets
                == .any(2, ["role": "web"]))
        #expect(
            try inbox(#"{"run":{"app":"shop","action":"backup"}}"#)
                == InboxRequest(request: RunRequest(work: .action(app: "shop", name: "backup"), targets: .instances)))
        let full = try inbox(
            #"""
            {"id":"order-17","run":{"steps":[{"command":["echo","hi"]}]},"on":{"servers":["server1"]},"timeout":"5m",
             "retries":2,"priority":0,"repeatable":true,"delay":"10s"}
            """#)
        #expect(
            full
                == InboxRequest(
                    id: "order-17",
                    request: RunRequest(
                        work: echo, targets: .servers(["server1"]),
                        options: RunOptions(timeout: .seconds(300), retries: 2, priority: 0, isRepeatable: true)),
                    delay: .seconds(10)))
        let later = try inbox(#"{"command":["x"],"on":"server1","at":"2026-11-30T08:00:00+01:00"}"#)
        #expect(later.at?.rfc3339 == "2026-11-30T07:00:00.000Z" && later.delay == nil)
    }

    @Test(arguments: [
        ("", "expected JSON, found none: "), ("{", "expected JSON, found none: "),
        ("[]", "expected an object, found an empty array"), (#""nightly""#, "expected an object, found \"nightly\""),
        (#"{"on":"server1"}"#, "expected exactly one of \"run\" or \"command\", found none"),
        (
            #"{"command":["x"],"run":{"app":"a","action":"b"},"on":"s"}"#,
            "expected exactly one of \"run\" or \"command\", found \"run\" and \"command\""
        ),
        (#"{"command":["x"]}"#, "expected the field \"on\", found none"),
        (#"{"command":["x"],"on":"Server 1"}"#, "on: expected a server's name, an array of them, or an object with"),
        (#"{"command":["x"],"on":7}"#, "on: expected a server's name"),
        (#"{"command":["x"],"on":["a","a"]}"#, "on[1]: expected each server once, found \"a\" again"),
        (#"{"command":["x"],"on":[]}"#, "on: expected at least one server, found an empty array"),
        (#"{"command":["x"],"on":["a",1]}"#, "on[1]: expected a name of 1 to 63"),
        (#"{"command":"x","on":"s"}"#, "command: expected an array, found \"x\""),
        (#"{"command":["x","${config.a}"],"on":"s"}"#, "command[1]: unknown template name \"config.a\""),
        (#"{"command":["x"],"on":"s","id":"a\u0007b"}"#, "id: expected an id of 1 to 128 letters"),
        (#"{"command":["x"],"on":"s","id":"../a"}"#, "id: expected an id of 1 to 128 letters"),
        (#"{"command":["x"],"on":"s","id":7}"#, "id: expected an id of 1 to 128 letters"),
        (
            #"{"command":["x"],"on":"s","delay":"1s","at":"2026-11-30T08:00:00Z"}"#,
            "expected at most one of \"delay\" or \"at\", found \"delay\" and \"at\""
        ),
        (#"{"command":["x"],"on":"s","at":"tomorrow"}"#, "at: expected a time in RFC 3339"),
        (#"{"command":["x"],"on":"s","delay":"9999h"}"#, "delay: expected a duration from 0ms to 8784h"),
        (#"{"command":["x"],"on":"s","retires":1}"#, "retires: unknown field \"retires\"; did you mean \"retries\"?"),
        (#"{"run":{"steps":[{"bogus":1}]},"on":"s"}"#, "run.steps[0].bogus: unknown field \"bogus\"; "),
        (
            #"{"run":{"steps":[{"restrat":["web"]}]},"on":"s"}"#,
            "run.steps[0].restrat: unknown field \"restrat\"; did you mean \"restart\"? (and 1 more)"
        ),
        (#"{"comand":["x"],"on":"s"}"#, "comand: unknown field \"comand\"; did you mean \"command\"?"),
        (#"{"command":["x"],"onn":"s"}"#, "onn: unknown field \"onn\"; did you mean \"on\"?"),
        (#"{"command":["a\u0000"],"on":"s"}"#, "expected JSON, found none: "),
        (#"{"command":["x"],"on":{"selector":{},"any":1}}"#, "on.selector: expected at least one label"),
    ])
    func `what is no job of the inbox is refused in one line`(_ text: String, _ message: String) {
        let refusal = refusal(text)
        #expect(refusal.hasPrefix(message), "\(refusal)")
        #expect(!refusal.contains("\n") && !refusal.utf8.contains { $0 < 0x20 }, "\(refusal)")
    }

    @Test func `a megabyte of it, and nesting without end, are refused`() {
        let large = #"{"command":["\#(String(repeating: "x", count: 1 << 20))"],"on":"s"}"#
        #expect(refusal(large).hasPrefix("expected at most \(RunBounds.jobBytes) bytes, found "))
        let deep = String(repeating: "[", count: 100_000)
        #expect(refusal(deep).hasPrefix("expected JSON, found none: "))
        let file = String(repeating: " ", count: RunBounds.jobBytes + 1)
        #expect(throws: ManifestErrors.self) { try steps(file) }
    }

    @Test func `any text is a job, or is refused in one line`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        let original = Array(
            #"{"id":"a","run":{"steps":[{"command":["x","${run.id}"]},{"keep":1,"in":"/a","matching":"*"}]},"on":["s"]}"#
                .utf8)
        for round in 0..<3000 {
            var text = original
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let index = Int.random(in: 0..<text.count, using: &random)
                if Bool.random(using: &random) { text.remove(at: index) }
                text.insert(UInt8.random(in: 0...255, using: &random), at: min(index, text.count))
            }
            do throws(RunRequestError) { _ = try RunRequestReader.inbox(text) } catch {
                #expect(!error.description.contains("\n"), "seed \(seed), round \(round)")
            }
        }
    }
}
