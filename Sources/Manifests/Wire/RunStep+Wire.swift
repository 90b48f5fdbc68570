// Steps of runs as they lie on the queue: each named by the one member that says what it does.

public import JSON
public import Model

extension RunStep: WireValue {
    public var json: JSONValue {
        switch self {
        case .command(let command): command.json
        case .restart(let app, let services):
            .members(["restart": .strings(services), "app": .text(app)])
        case .upgrade(let packages): ["upgrade": .strings(packages)]
        case .keep(let rule):
            .members(["keep": .int(rule.count), "in": .text(rule.folder), "matching": .text(rule.pattern)])
        }
    }

    private static let kinds = ["command", "restart", "upgrade", "keep"]

    public init(json: JSONValue, at path: String) throws(WireError) {
        let named = Self.kinds.filter { json[$0] != nil }
        guard let kind = named.first, named.count == 1 else {
            throw WireError(
                path: path, message: "expected one of \(Self.kinds.joined(separator: ", ")), found \(named.count)")
        }
        switch kind {
        case "command": self = .command(try RunCommand(json: json, at: path))
        case "restart":
            let object = try WireObject(json, at: path, known: ["restart", "app"])
            self = .restart(app: try object.string("app"), services: try object.strings("restart"))
        case "upgrade":
            self = .upgrade(packages: try WireObject(json, at: path, known: ["upgrade"]).strings("upgrade"))
        default:
            let object = try WireObject(json, at: path, known: ["keep", "in", "matching"])
            let count = try object.value("keep", "an integer from 1") { $0.int.flatMap { $0 >= 1 ? $0 : nil } }
            self = .keep(
                KeepRule(count: count, folder: try object.string("in"), pattern: try object.string("matching")))
        }
    }
}

extension RunCommand: WireValue {
    public var json: JSONValue {
        .members([
            "command": .strings(command), "environment": environment.isEmpty ? nil : .map(environment),
            "directory": directory.map { .text($0) }, "user": user.map { .text($0) },
            "timeoutMs": timeout.map { .milliseconds($0) }, "creates": creates.map { .text($0) },
            "unless": unless.map { .strings($0) }, "input": input.map { .text($0) }, "output": output.map { .text($0) },
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(
            json, at: path,
            known: [
                "command", "environment", "directory", "user", "timeoutMs", "creates", "unless", "input", "output",
            ])
        let command = try object.strings("command")
        guard !command.isEmpty else { throw WireError(path: object.path(of: "command"), message: "expected a program") }
        self.init(
            command: command, environment: try object.stringMap("environment"),
            directory: try object.optionalString("directory"), user: try object.optionalString("user"),
            timeout: object.has("timeoutMs") ? try object.milliseconds("timeoutMs") : nil,
            creates: try object.optionalString("creates"), unless: try object.optionalStrings("unless"),
            input: try object.optionalString("input"), output: try object.optionalString("output"))
    }
}
