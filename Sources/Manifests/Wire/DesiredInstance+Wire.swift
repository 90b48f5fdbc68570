// Assignments: what an agent is told to observe.

public import JSON
public import Model

extension DesiredInstance: WireValue {
    public var json: JSONValue {
        .members([
            "instance": id.json, "generation": .int(generation), "digest": .string(digest),
            "fields": .array(fields.map(\.json)),
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(json, at: path, known: ["instance", "generation", "digest", "fields"])
        self.init(
            id: try object.nested("instance"), generation: try object.int("generation"),
            digest: try object.string("digest"), fields: try object.list("fields"))
    }
}

extension DesiredField: WireValue {
    public var json: JSONValue {
        .members(["field": .text(key.description), "expect": expectation.json, "spec": spec.json])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(json, at: path, known: ["field", "expect", "spec"])
        self.init(
            key: try object.field("field"), expectation: try object.nested("expect"), spec: try object.nested("spec"))
    }
}

extension InstanceID: WireValue {
    public var json: JSONValue { .text(description) }

    public init(json: JSONValue, at path: String) throws(WireError) {
        guard let text = json.string, let id = InstanceID(text) else {
            throw WireError(path: path, expected: "an instance such as webapp@server1", found: json)
        }
        self = id
    }
}

extension InstanceID {
    /// Reads `webapp@server1` or `server1`; nil if a part is missing or there is one too many.
    public init?(_ text: String) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
        guard !parts.contains(""), (1...2).contains(parts.count), let server = parts.last else { return nil }
        self.init(app: parts.count == 2 ? parts[0] : nil, server: server)
    }
}

extension Expectation: WireValue {
    public var json: JSONValue {
        switch self {
        case .exactly(let text): ["exactly": .text(text)]
        case .startsWith(let prefix): ["startsWith": .text(prefix)]
        case .present: ["present": true]
        case .owned(let head, let owner, let group):
            .members(["owned": .text(head), "owner": owner.map { .text($0) }, "group": group.map { .text($0) }])
        }
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(
            json, at: path, known: ["exactly", "startsWith", "present", "owned", "owner", "group"])
        let isOwned = object.has("owned")
        guard ["exactly", "startsWith", "present", "owned"].count(where: object.has) == 1,
            isOwned || object.members.count == 1
        else { throw WireError(path: path, message: "expected one of exactly, startsWith, present, owned") }
        if object.has("exactly") {
            self = .exactly(try object.string("exactly"))
        } else if object.has("startsWith") {
            self = .startsWith(try object.string("startsWith"))
        } else if isOwned {
            self = .owned(
                head: try object.string("owned"), owner: try object.optionalString("owner"),
                group: try object.optionalString("group"))
        } else {
            self = try object.value("present", "true") { $0 == true ? .present : nil }
        }
    }
}
