// What became of a run's job, for `-o json`: one object with what the job is and how it went.

public import JSON
public import Model

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
    /// All other members are the job's.
    private static let known = [
        "queue", "state", "attempt", "enqueuedAt", "dueAt", "claimedAt", "finishedAt", "server", "error", "exitCode",
        "cancelling",
    ]

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
        guard let members = json.object else { throw WireError(path: path, expected: "an object", found: json) }
        let own = members.filter { Self.known.contains($0.key) }
        let object = try WireObject(.object(own), at: path, known: Self.known)
        let job = try RunJob(json: .object(members.filter { own[$0.key] == nil }), at: path)
        self.init(
            queue: try object.nested("queue"), job: job, state: try object.word("state"),
            attempt: try object.natural("attempt"), enqueuedAt: try object.time("enqueuedAt"),
            dueAt: try object.optionalTime("dueAt"), claimedAt: try object.optionalTime("claimedAt"),
            finishedAt: try object.optionalTime("finishedAt"), server: try object.optionalString("server"),
            error: try object.optionalString("error"),
            exitCode: try object.optional("exitCode", "an integer") { $0.int },
            isCancelling: object.has("cancelling") ? try object.bool("cancelling") : false)
    }
}
