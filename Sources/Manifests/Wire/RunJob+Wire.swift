// Jobs that are not plans, on the queue and on the screen. Millions of them may wait, so what is as usual is left out.

public import JSON
public import Model

extension RunJob: WireValue {
    static let known = [
        "id", "steps", "origin", "timeoutMs", "deadline", "scheduledFor", "values", "repeatable", "priority",
        "attempts",
    ]

    public var json: JSONValue { .members(members) }

    var members: KeyValuePairs<String, JSONValue?> {
        [
            "id": .text(id), "steps": .array(steps.map(\.json)), "origin": .text(origin),
            "timeoutMs": timeout == RunBounds.timeout ? nil : .milliseconds(timeout),
            "deadline": deadline.map { .time($0) }, "scheduledFor": scheduledFor.map { .time($0) },
            "values": values.map { .map($0) }, "repeatable": isRepeatable ? true : nil,
            "priority": priority == RunBounds.priority ? nil : .int(priority),
            "attempts": maximumAttempts == 1 ? nil : .int(maximumAttempts),
        ]
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        try self.init(try WireObject(json, at: path, known: Self.known))
    }

    init(_ object: WireObject) throws(WireError) {
        let id = try object.value("id", "an id of letters, digits, \"_\", \"-\" and \".\"") {
            $0.string.flatMap { RunBounds.isValid(id: $0) ? $0 : nil }
        }
        let steps = try object.list("steps", of: RunStep.self)
        guard RunBounds.steps.contains(steps.count) else {
            throw WireError(
                path: object.path(of: "steps"),
                message: "expected \(RunBounds.steps.lowerBound) to \(RunBounds.steps.upperBound) steps, "
                    + "found \(steps.count)")
        }
        self.init(
            id: id, steps: steps, origin: try object.string("origin"),
            timeout: object.has("timeoutMs") ? try object.milliseconds("timeoutMs") : RunBounds.timeout,
            deadline: try object.optionalTime("deadline"), scheduledFor: try object.optionalTime("scheduledFor"),
            values: object.has("values") ? try object.stringMap("values") : nil,
            isRepeatable: object.has("repeatable") ? try object.bool("repeatable") : false,
            priority: try object.number("priority", in: RunBounds.priorities) ?? RunBounds.priority,
            maximumAttempts: try object.number("attempts", in: RunBounds.attempts) ?? 1)
    }
}

extension WireObject {
    /// nil if it is not there.
    fileprivate func number(_ key: String, in range: ClosedRange<Int>) throws(WireError) -> Int? {
        try optional(key, "an integer from \(range.lowerBound) to \(range.upperBound)") {
            $0.int.flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension RunQueue: WireValue {
    public var json: JSONValue { .text(description) }

    public init(json: JSONValue, at path: String) throws(WireError) {
        guard let queue = json.string.flatMap({ RunQueue($0) }) else {
            throw WireError(path: path, expected: "a server's name, or a pool such as @role=web", found: json)
        }
        self = queue
    }
}

extension RunRecord: WireValue {
    private static let known = [
        "queue", "state", "attempt", "enqueuedAt", "dueAt", "claimedAt", "finishedAt", "server", "error", "exitCode",
        "cancelling",
    ]

    /// One object with what the job is and what became of it.
    public var json: JSONValue {
        var record = job.json
        let members: KeyValuePairs<String, JSONValue?> = [
            "queue": queue.json, "state": .string(state.rawValue), "attempt": .int(attempt),
            "enqueuedAt": .time(enqueuedAt), "dueAt": dueAt.map { .time($0) }, "claimedAt": claimedAt.map { .time($0) },
            "finishedAt": finishedAt.map { .time($0) }, "server": server.map { .text($0) },
            "error": error.map { .text($0) }, "exitCode": exitCode.map { .int($0) },
            "cancelling": isCancelling ? true : nil,
        ]
        for (key, value) in members { if let value { record[key] = value } }
        return record
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(json, at: path, known: Self.known + RunJob.known)
        self.init(
            queue: try object.nested("queue"), job: try RunJob(object), state: try object.word("state"),
            attempt: try object.natural("attempt"), enqueuedAt: try object.time("enqueuedAt"),
            dueAt: try object.optionalTime("dueAt"), claimedAt: try object.optionalTime("claimedAt"),
            finishedAt: try object.optionalTime("finishedAt"), server: try object.optionalString("server"),
            error: try object.optionalString("error"),
            exitCode: try object.optional("exitCode", "an integer") { $0.int },
            isCancelling: object.has("cancelling") ? try object.bool("cancelling") : false)
    }
}
