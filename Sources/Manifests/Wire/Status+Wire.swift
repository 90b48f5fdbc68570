// Drift, events, conditions, and what agents observed.

public import JSON
public import Model

extension DriftRecord: WireValue {
    public var json: JSONValue {
        .members([
            "field": .text(field.description), "desired": .text(desired), "observed": .text(observed),
            "onset": .time(onset), "cause": .string(cause.rawValue), "repairedAt": repairedAt.map { .time($0) },
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(
            json, at: path, known: ["field", "desired", "observed", "onset", "cause", "repairedAt"])
        let cause = try object.value("cause", "new, desiredChanged or changedOnServer") {
            $0.string.flatMap(DriftRecord.Cause.init(rawValue:))
        }
        self.init(
            field: try object.field("field"), desired: try object.string("desired"),
            observed: try object.string("observed"), onset: try object.time("onset"), cause: cause,
            repairedAt: try object.optionalTime("repairedAt"))
    }
}

extension Event: WireValue {
    public var json: JSONValue {
        .members([
            "at": .time(at), "severity": .string(severity.rawValue), "subject": .text(subject),
            "reason": .text(reason), "message": .text(message),
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(json, at: path, known: ["at", "severity", "subject", "reason", "message"])
        let severity = try object.value("severity", "Normal or Warning") {
            $0.string.flatMap(Event.Severity.init(rawValue:))
        }
        self.init(
            at: try object.time("at"), severity: severity, subject: try object.string("subject"),
            reason: try object.string("reason"), message: try object.string("message"))
    }
}

extension Condition: WireValue {
    public var json: JSONValue {
        .members([
            "type": .string(type.rawValue), "status": .bool(status), "reason": .text(reason),
            "message": .text(message), "since": .time(since),
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(json, at: path, known: ["type", "status", "reason", "message", "since"])
        self.init(
            type: try object.word("type"), status: try object.bool("status"), reason: try object.string("reason"),
            message: try object.string("message"), since: try object.time("since"))
    }
}

extension ResourceStatus: WireValue {
    public var json: JSONValue {
        var phases: [String: JSONValue] = [:]
        for (phase, count) in counts { phases[phase.rawValue] = .int(count) }
        return .members([
            "observedGeneration": .int(observedGeneration), "conditions": .array(conditions.map(\.json)),
            "counts": .object(phases),
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(json, at: path, known: ["observedGeneration", "conditions", "counts"])
        let counts = try object.value("counts", "an object of phases and numbers") { value in
            value.object.flatMap(Self.counts)
        }
        self.init(
            observedGeneration: try object.int("observedGeneration"), conditions: try object.list("conditions"),
            counts: counts)
    }

    private static func counts(_ object: [String: JSONValue]) -> [InstancePhase: Int]? {
        var counts: [InstancePhase: Int] = [:]
        for (word, value) in object {
            guard let phase = InstancePhase(rawValue: word), let count = value.int else { return nil }
            counts[phase] = count
        }
        return counts
    }
}

extension ObservedInstance: WireValue {
    public var json: JSONValue {
        var values: [String: JSONValue] = [:]
        for (field, value) in fields { values[field.description] = .text(value) }
        return .members([
            "instance": id.json, "revision": .int(revision), "generation": .int(generation),
            "digest": .string(digest), "reportedAt": .time(reportedAt), "fields": .object(values),
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(
            json, at: path, known: ["instance", "revision", "generation", "digest", "reportedAt", "fields"])
        var fields: [FieldKey: String] = [:]
        for (name, value) in try object.stringMap("fields") {
            guard let key = FieldKey(name) else {
                throw WireError(path: object.path(of: "fields"), message: "\"\(name)\" is no field")
            }
            fields[key] = value
        }
        self.init(
            id: try object.nested("instance"), revision: try object.int("revision"),
            generation: try object.int("generation"), digest: try object.string("digest"),
            reportedAt: try object.time("reportedAt"), fields: fields)
    }
}

extension ObservedServer: WireValue {
    public var json: JSONValue {
        .members([
            "name": .text(name), "revision": .int(revision), "reportedAt": reportedAt.map { .time($0) },
            "values": .map(values),
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(json, at: path, known: ["name", "revision", "reportedAt", "values"])
        self.init(
            name: try object.string("name"), revision: try object.int("revision"),
            reportedAt: try object.optionalTime("reportedAt"), values: try object.stringMap("values"))
    }
}
