// How far a Schedule has come, as its leader keeps it.

public import JSON
public import Model

extension ScheduleState: WireValue {
    public var json: JSONValue {
        .members([
            "generation": .int(generation), "decidedUntil": .time(decidedUntil), "lastRun": lastRun?.json,
            "edges": edges.isEmpty ? nil : .object(edges.mapValues(\.json)), "leftOut": leftOut.map { .text($0) },
            "unwatched": unwatched.map { .text($0) },
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(
            json, at: path, known: ["generation", "decidedUntil", "lastRun", "edges", "leftOut", "unwatched"])
        var edges: [String: Edge] = [:]
        let given = try object.optional("edges", "an object") { $0.object } ?? [:]
        for (server, edge) in given { edges[server] = try Edge(json: edge, at: object.path(of: "edges.\(server)")) }
        self.init(
            generation: try object.natural("generation"), decidedUntil: try object.time("decidedUntil"),
            lastRun: object.has("lastRun") ? try object.nested("lastRun") : nil, edges: edges,
            leftOut: try object.optionalString("leftOut"), unwatched: try object.optionalString("unwatched"))
    }
}

extension ScheduleState.LastRun: WireValue {
    public var json: JSONValue {
        .members([
            "id": .string(id), "time": .time(time), "queues": .strings(queues.map(\.description)),
            "jobs": jobs > 1 ? .int(jobs) : nil,
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(json, at: path, known: ["id", "time", "queues", "jobs"])
        let queues = try object.value("queues", "an array of queues") { value -> [RunQueue]? in
            guard let texts = value.array else { return nil }
            let queues = texts.compactMap { $0.string.flatMap { RunQueue($0) } }
            return queues.count == texts.count ? queues : nil
        }
        self.init(
            id: try object.string("id"), time: try object.time("time"), queues: queues,
            jobs: object.has("jobs") ? try object.natural("jobs") : 1)
    }
}

extension ScheduleState.Edge: WireValue {
    public var json: JSONValue {
        .members([
            "since": since.map { .time($0) }, "firedAt": firedAt.map { .time($0) }, "fired": hasFired ? true : nil,
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(json, at: path, known: ["since", "firedAt", "fired"])
        self.init(
            since: try object.optionalTime("since"), firedAt: try object.optionalTime("firedAt"),
            hasFired: object.has("fired") ? try object.bool("fired") : false)
    }
}
