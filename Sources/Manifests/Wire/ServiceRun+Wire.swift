// Services and health checks as an agent gets them.

public import JSON
public import Model

extension ServiceRun: WireValue {
    private static let known = ServiceSpec.known + ["run", "load"]

    public var json: JSONValue {
        var object = spec.json
        object["run"] = .string(run)
        object["load"] = .string(load)
        return object
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(json, at: path, known: Self.known)
        self.init(spec: try ServiceSpec(object), run: try object.string("run"), load: try object.string("load"))
    }
}

extension ServiceSpec: WireValue {
    static let known = [
        "command", "environment", "directory", "user", "restartOn", "reloadOn", "reload", "stopTimeoutMs",
    ]

    public var json: JSONValue {
        .members([
            "command": .strings(command), "environment": environment.isEmpty ? nil : .map(environment),
            "directory": directory.map { .text($0) }, "user": user.map { .text($0) },
            "restartOn": restartOn.isEmpty ? nil : .fields(restartOn),
            "reloadOn": reloadOn.isEmpty ? nil : .fields(reloadOn), "reload": reload?.json,
            "stopTimeoutMs": .milliseconds(stopTimeout),
        ])
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        try self.init(try WireObject(json, at: path, known: Self.known))
    }

    init(_ object: WireObject) throws(WireError) {
        self.init(
            command: try object.strings("command"), environment: try object.stringMap("environment"),
            directory: try object.optionalString("directory"), user: try object.optionalString("user"),
            restartOn: try object.fields("restartOn"), reloadOn: try object.fields("reloadOn"),
            reload: object.has("reload") ? try object.nested("reload") : nil,
            stopTimeout: try object.milliseconds("stopTimeoutMs"))
    }
}

extension ServiceSpec.Reload: WireValue {
    public var json: JSONValue {
        switch self {
        case .signal(let name): ["signal": .text(name)]
        case .command(let command): ["command": .strings(command)]
        }
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(json, at: path, known: ["signal", "command"])
        switch (object.has("signal"), object.has("command")) {
        case (true, false): self = .signal(try object.string("signal"))
        case (false, true): self = .command(try object.strings("command"))
        default: throw WireError(path: path, message: "expected exactly one of signal, command")
        }
    }
}

extension HealthSpec: WireValue {
    public var json: JSONValue {
        let timing: [String: JSONValue] = ["everyMs": .milliseconds(every), "timeoutMs": .milliseconds(timeout)]
        let probe: (String, JSONValue) =
            switch probe {
            case .http(let url): ("http", .text(url))
            case .tcp(let address): ("tcp", .text(address))
            case .command(let command): ("command", .strings(command))
            }
        return .object(timing.merging([probe]) { $1 })
    }

    public init(json: JSONValue, at path: String) throws(WireError) {
        let object = try WireObject(json, at: path, known: ["http", "tcp", "command", "everyMs", "timeoutMs"])
        let probe: Probe
        switch (object.has("http"), object.has("tcp"), object.has("command")) {
        case (true, false, false): probe = .http(try object.string("http"))
        case (false, true, false): probe = .tcp(try object.string("tcp"))
        case (false, false, true): probe = .command(try object.strings("command"))
        default: throw WireError(path: path, message: "expected exactly one of http, tcp, command")
        }
        self.init(
            probe: probe, every: try object.milliseconds("everyMs"), timeout: try object.milliseconds("timeoutMs"))
    }
}
