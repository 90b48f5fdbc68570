// From checked JSON to the model.

internal import JSON
internal import Model

enum WorkloadBuilder {
    static func workload(_ spec: JSONValue) -> Workload {
        let view = ObjectView(spec, WorkloadSchema.shape)
        return Workload(
            config: config(spec),
            packages: view.textMap("packages").mapValues(package),
            directories: view.map("directories").mapValues(directory),
            files: view.map("files").compactMapValues(file),
            commands: view.map("commands").mapValues(command),
            services: view.map("services").mapValues(service),
            health: view.map("health").compactMapValues(health))
    }

    /// The config entries in their canonical text.
    static func config(_ spec: JSONValue) -> [String: String] {
        (spec["config"]?.object ?? [:]).mapValues(configText)
    }

    static func configText(_ value: JSONValue) -> String { value.string ?? value.canonical }

    private static func package(_ state: String) -> PackageSpec {
        switch state {
        case "present": .present
        case "absent": .absent
        default: .version(state)
        }
    }

    private static func ownership(_ view: ObjectView) -> Ownership {
        Ownership(mode: view.mode("mode"), owner: view.text("owner"), group: view.text("group"))
    }

    private static func directory(_ value: JSONValue) -> DirectorySpec {
        DirectorySpec(ownership: ownership(ObjectView(value, WorkloadSchema.directory)))
    }

    private static func file(_ value: JSONValue) -> FileSpec? {
        content(value).map {
            FileSpec(content: $0, ownership: ownership(ObjectView(value, WorkloadSchema.file)))
        }
    }

    private static func content(_ value: JSONValue) -> FileContent? {
        if let text = value["content"]?.string {
            // In the model every inline content is a template: one that is none has its dollars doubled.
            let isTemplate = ObjectView(value, WorkloadSchema.file).flag("template")
            return .inline(isTemplate ? text : literal(text))
        }
        guard let digest = value["source"]?["blob"]?.string else { return nil }
        return .blob(digest: digest, template: isTemplateSource(value))
    }

    private static func literal(_ text: String) -> String {
        let dollar = UInt8(ascii: "$")
        return String(decoding: text.utf8.flatMap { $0 == dollar ? [dollar, dollar] : [$0] }, as: UTF8.self)
    }

    /// Whether the file's source is expanded: as the file says, else as its source was found to be.
    static func isTemplateSource(_ file: JSONValue) -> Bool {
        file["template"]?.bool ?? file["source"]?["template"]?.bool ?? false
    }

    private static func command(_ value: JSONValue) -> CommandSpec {
        let view = ObjectView(value, WorkloadSchema.command)
        return CommandSpec(
            command: view.texts("command") ?? [], creates: view.text("creates"), unless: view.texts("unless"),
            environment: view.textMap("environment"), directory: view.text("directory"), user: view.text("user"),
            timeout: view.duration("timeout"))
    }

    private static func service(_ value: JSONValue) -> ServiceSpec {
        let view = ObjectView(value, WorkloadSchema.service)
        return ServiceSpec(
            command: view.texts("command") ?? [], environment: view.textMap("environment"),
            directory: view.text("directory"), user: view.text("user"), restartOn: view.fieldKeys("restartOn"),
            reloadOn: view.fieldKeys("reloadOn"), reload: view["reload"].flatMap(reload),
            stopTimeout: view.duration("stopTimeout"))
    }

    private static func reload(_ value: JSONValue) -> ServiceSpec.Reload? {
        let view = ObjectView(value, WorkloadSchema.reload)
        return view.text("signal").map { .signal($0) } ?? view.texts("command").map { .command($0) }
    }

    private static func health(_ value: JSONValue) -> HealthSpec? {
        let view = ObjectView(value, WorkloadSchema.health)
        let probe: HealthSpec.Probe? =
            view.text("http").map { .http($0) } ?? view.text("tcp").map { .tcp($0) }
            ?? view.texts("command").map { .command($0) }
        return probe.map { HealthSpec(probe: $0, every: view.duration("every"), timeout: view.duration("timeout")) }
    }
}
