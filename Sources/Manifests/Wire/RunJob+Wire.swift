// A job of a run as it lies on the queue: what is as usual is left out, for a million of them may wait.

public import JSON
public import Model

extension RunJob: WireValue {
    public var json: JSONValue {
        .members([
            "id": .string(id), "steps": .array(steps.map(\.json)), "origin": .text(origin),
            "timeoutMs": timeout == RunBounds.timeout ? nil : .milliseconds(timeout),
            "deadline": deadline.map { .time($0) }, "scheduledFor": scheduledFor.map { .time($0) },
            "values": values.map { .map($0) }, "repeatable": isRepeatable ? true : nil,
            "priority": priority == RunBounds.priority ? nil : .int(priority),
            "attempts": maximumAttempts == 1 ? nil : .int(maximumAttempts),
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(
            json, at: path,
            known: [
                "id", "steps", "origin", "timeoutMs", "deadline", "scheduledFor", "values", "repeatable", "priority",
                "attempts",
            ])
        let steps: [RunStep] = try object.list("steps")
        guard RunBounds.steps.contains(steps.count) else {
            throw WireError(
                path: object.path(of: "steps"), message: "expected 1 to \(RunBounds.steps.upperBound) steps")
        }
        self.init(
            id: try object.value("id", "letters, digits, ., _ and -") { value in
                value.string.flatMap { RunBounds.isValid(id: $0) ? $0 : nil }
            },
            steps: steps, origin: try object.string("origin"),
            timeout: object.has("timeoutMs") ? try object.milliseconds("timeoutMs") : RunBounds.timeout,
            deadline: try object.optionalTime("deadline"), scheduledFor: try object.optionalTime("scheduledFor"),
            values: object.has("values") ? try object.stringMap("values") : nil,
            isRepeatable: object.has("repeatable") ? try object.bool("repeatable") : false,
            priority: try object.optional("priority", "0 to 9") { value in
                value.int.flatMap { RunBounds.priorities.contains($0) ? $0 : nil }
            } ?? RunBounds.priority,
            maximumAttempts: try object.optional("attempts", "1 to 99") { value in
                value.int.flatMap { RunBounds.attempts.contains($0) ? $0 : nil }
            } ?? 1)
    }
}
