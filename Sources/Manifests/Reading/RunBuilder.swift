// From checked JSON to what is run.

internal import JSON
internal import Model

enum RunBuilder {
    /// What a Schedule's spec, or a job of the inbox, wants run.
    static func request(_ value: JSONValue) -> RunRequest {
        let work = work(value["run"])
        return RunRequest(work: work, targets: targets(value["on"]), options: options(value))
    }

    static func action(_ value: JSONValue, app: String) -> ActionSpec {
        ActionSpec(steps: steps(value["steps"], app: app), options: options(value))
    }

    static func options(_ value: JSONValue) -> RunOptions {
        RunOptions(
            timeout: value["timeout"]?.string.flatMap(DurationText.parse), retries: value["retries"]?.int,
            priority: value["priority"]?.int, isRepeatable: value["repeatable"]?.bool)
    }

    /// - Parameter app: the App that the steps are of; nil where each names its own.
    static func steps(_ value: JSONValue?, app: String?) -> [RunStep] {
        (value?.array ?? []).compactMap { step($0, app: app) }
    }

    static func targets(_ value: JSONValue?) -> RunTargets {
        guard let value else { return .instances }
        let view = ObjectView(value, ScheduleSchema.targets)
        if let servers = view.texts("servers") { return .servers(servers) }
        let selector = view.textMap("selector")
        return view["any"]?.int.map { .any($0, selector) } ?? .selector(selector)
    }

    private static func work(_ value: JSONValue?) -> RunWork {
        if let app = value?["app"]?.string { return .action(app: app, name: value?["action"]?.string ?? "") }
        return .steps(steps(value?["steps"], app: nil))
    }

    private static func step(_ value: JSONValue, app: String?) -> RunStep? {
        let view = ObjectView(value, app == nil ? StepSchema.step : StepSchema.actionStep)
        if let command = view.texts("command") { return .command(self.command(command, view)) }
        if let services = view.texts("restart") {
            return .restart(app: app ?? view.text("app") ?? "", services: services)
        }
        if let packages = view.texts("upgrade") { return .upgrade(packages: packages) }
        guard let count = view["keep"]?.int, let folder = view.text("in"), let pattern = view.text("matching") else {
            return nil
        }
        return .keep(KeepRule(count: count, folder: folder, pattern: pattern))
    }

    private static func command(_ command: [String], _ view: ObjectView) -> RunCommand {
        RunCommand(
            command: command, environment: view.textMap("environment"), directory: view.text("directory"),
            user: view.text("user"), timeout: view.text("timeout").flatMap(DurationText.parse),
            creates: view.text("creates"), unless: view.texts("unless"), input: view.text("input"),
            output: view.text("output"))
    }
}
