// What a driver works from: one member, named after the field's kind.

public import JSON
public import Model

extension FieldSpec: WireValue {
    private static let known = FieldKind.allCases.map(\.rawValue)

    public var json: JSONValue {
        switch self {
        case .config(let value): ["config": .text(value)]
        case .package(let spec): ["package": spec.json]
        case .directory(let ownership): ["directory": ownership.json]
        case .file(let render): ["file": render.json]
        case .command(let spec): ["command": spec.json]
        case .service(let run): ["service": run.json]
        case .health(let spec): ["health": spec.json]
        }
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(json, at: path, known: Self.known)
        guard object.members.count == 1, let kind = object.members.keys.first.flatMap(FieldKind.init(rawValue:)) else {
            throw WireError(path: path, message: "expected exactly one member, found \(object.members.count)")
        }
        switch kind {
        case .config: self = .config(value: try object.string("config"))
        case .package: self = .package(try object.nested("package"))
        case .directory: self = .directory(try object.nested("directory"))
        case .file: self = .file(try object.nested("file"))
        case .command: self = .command(try object.nested("command"))
        case .service: self = .service(try object.nested("service"))
        case .health: self = .health(try object.nested("health"))
        }
    }
}

extension PackageSpec: WireValue {
    public var json: JSONValue {
        switch self {
        case .present: "present"
        case .absent: "absent"
        case .version(let version): .text(version)
        }
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        guard let text = json.string, !text.isEmpty else {
            throw WireError(path: path, expected: "present, absent or a version", found: json)
        }
        self = text == "present" ? .present : text == "absent" ? .absent : .version(text)
    }
}

extension Ownership: WireValue {
    public var json: JSONValue { .members(members) }

    var members: KeyValuePairs<String, JSONValue?> {
        [
            "mode": .string(FieldValue.octal(mode)), "owner": owner.map { .text($0) },
            "group": group.map { .text($0) },
        ]
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        try self.init(try WireObject(json, at: path, known: ["mode", "owner", "group"]))
    }

    init(_ object: WireObject) throws(WireError) {
        let mode = try object.value("mode", "an octal mode such as 0644") { value in
            value.string.flatMap { Int($0, radix: 8) }.flatMap { (0...0o7777).contains($0) ? $0 : nil }
        }
        self.init(mode: mode, owner: try object.optionalString("owner"), group: try object.optionalString("group"))
    }
}

extension FileRender: WireValue {
    /// Content is text (`content`) where it is UTF-8 without NUL, else base64 (`content64`).
    public var json: JSONValue {
        var object = ownership.json
        object["digest"] = .string(digest)
        object["size"] = .int(size)
        guard let content else { return object }
        if let text = String(validating: content, as: UTF8.self), !content.contains(0) {
            object["content"] = .string(text)
        } else {
            object["content64"] = .string(Base64.encode(content))
        }
        return object
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(
            json, at: path, known: ["digest", "size", "mode", "owner", "group", "content", "content64"])
        if object.has("content"), object.has("content64") {
            throw WireError(path: path, message: "expected content or content64, found both")
        }
        let text = try object.optionalString("content").map { Array($0.utf8) }
        let bytes = try object.optional("content64", "base64") { $0.string.flatMap { Base64.decode($0) } }
        self.init(
            digest: try object.string("digest"), size: try object.natural("size"), ownership: try Ownership(object),
            content: text ?? bytes)
    }
}

extension CommandSpec: WireValue {
    public var json: JSONValue {
        .members([
            "command": .strings(command), "creates": creates.map { .text($0) }, "unless": unless.map { .strings($0) },
            "environment": environment.isEmpty ? nil : .map(environment), "directory": directory.map { .text($0) },
            "user": user.map { .text($0) }, "timeoutMs": .milliseconds(timeout),
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(
            json, at: path,
            known: ["command", "creates", "unless", "environment", "directory", "user", "timeoutMs"])
        self.init(
            command: try object.strings("command"), creates: try object.optionalString("creates"),
            unless: try object.optionalStrings("unless"), environment: try object.stringMap("environment"),
            directory: try object.optionalString("directory"), user: try object.optionalString("user"),
            timeout: try object.milliseconds("timeoutMs"))
    }
}
