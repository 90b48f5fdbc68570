// Plans and jobs, on the queue, in the journal and on the screen.

public import JSON
public import Model

extension Plan: WireValue {
    public var json: JSONValue {
        .members([
            "instance": instance.json, "generation": .int(generation), "digest": .string(digest),
            "revision": .int(revision), "round": .int(round), "steps": .array(steps.map(\.json)),
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(
            json, at: path, known: ["instance", "generation", "digest", "revision", "round", "steps"])
        self.init(
            instance: try object.nested("instance"), generation: try object.int("generation"),
            digest: try object.string("digest"), revision: try object.int("revision"),
            round: try object.natural("round"), steps: try object.list("steps"))
    }
}

extension Step: WireValue {
    public var json: JSONValue {
        .members([
            "field": .text(field.description), "action": .string(action.rawValue), "from": from.map { .text($0) },
            "to": .text(to), "spec": spec?.json,
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(json, at: path, known: ["field", "action", "from", "to", "spec"])
        self.init(
            field: try object.field("field"), action: try object.word("action"),
            from: try object.optionalString("from"), to: try object.string("to"),
            spec: object.has("spec") ? try object.nested("spec") : nil)
    }
}

extension Job: WireValue {
    public var json: JSONValue { .members(members) }

    var members: KeyValuePairs<String, JSONValue?> {
        ["id": .string(id), "kind": .string(kind.rawValue), "epoch": .int(Int(epoch)), "plan": plan.json]
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(json, at: path, known: ["id", "kind", "epoch", "plan"])
        let kind = try object.value("kind", "apply or observe") { $0.string.flatMap(JobKind.init(rawValue:)) }
        self.init(
            id: try object.string("id"), kind: kind, epoch: Int64(try object.int("epoch")),
            plan: try object.nested("plan"))
    }
}

extension JobRecord: WireValue {
    public var json: JSONValue {
        .members([
            "job": job.json, "state": .string(state.rawValue), "attempt": .int(attempt),
            "enqueuedAt": .time(enqueuedAt), "claimedAt": claimedAt.map { .time($0) },
            "finishedAt": finishedAt.map { .time($0) }, "dueAt": dueAt.map { .time($0) },
            "error": error.map { .text($0) }, "output": output.map { .text($0) },
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(
            json, at: path,
            known: [
                "job", "state", "attempt", "enqueuedAt", "claimedAt", "finishedAt", "dueAt", "error", "output",
            ])
        self.init(
            job: try object.nested("job"), state: try object.word("state"), attempt: try object.natural("attempt"),
            enqueuedAt: try object.time("enqueuedAt"), claimedAt: try object.optionalTime("claimedAt"),
            finishedAt: try object.optionalTime("finishedAt"), dueAt: try object.optionalTime("dueAt"),
            error: try object.optionalString("error"), output: try object.optionalString("output"))
    }
}

extension Claim: WireValue {
    public var json: JSONValue {
        .members([
            "job": job.json, "attempt": .int(attempt), "token": .string(token), "leaseEndsAt": .time(leaseEndsAt),
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(json, at: path, known: ["job", "attempt", "token", "leaseEndsAt"])
        self.init(
            job: try object.nested("job"), attempt: try object.natural("attempt"), token: try object.string("token"),
            leaseEndsAt: try object.time("leaseEndsAt"))
    }
}

extension AttemptResult: WireValue {
    public var json: JSONValue {
        switch self {
        case .done: ["result": "done"]
        case .failed(let error, let retryAfter):
            ["result": "failed", "error": .text(error), "retryAfterMs": .milliseconds(retryAfter)]
        case .dead(let error): ["result": "dead", "error": .text(error)]
        }
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(json, at: path, known: ["result", "error", "retryAfterMs"])
        switch try object.string("result") {
        case "done": self = .done
        case "failed":
            self = .failed(error: try object.string("error"), retryAfter: try object.milliseconds("retryAfterMs"))
        case "dead": self = .dead(error: try object.string("error"))
        default:
            throw WireError(
                path: object.path(of: "result"), expected: "done, failed or dead", found: object.members["result"])
        }
    }
}
