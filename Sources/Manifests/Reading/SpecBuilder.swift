// From a checked manifest to metadata and spec.

internal import JSON
internal import Model

enum SpecBuilder {
    static func metadata(_ manifest: JSONValue) -> Metadata {
        let view = ObjectView(manifest["metadata"], ResourceSchema.metadata)
        return Metadata(
            name: view.text("name") ?? "", labels: view.textMap("labels"), annotations: view.textMap("annotations"))
    }

    static func spec(_ manifest: JSONValue, kind: Kind) -> ManifestResource.Spec {
        let spec = manifest["spec"] ?? [:]
        switch kind {
        case .app: return .app(app(spec, name: manifest["metadata"]?["name"]?.string ?? ""))
        case .server: return .server(server(spec))
        case .schedule: return .schedule(schedule(spec))
        }
    }

    private static func app(_ spec: JSONValue, name: String) -> AppSpec {
        let view = ObjectView(spec, AppSchema.spec)
        return AppSpec(
            placement: placement(spec["placement"]), dependsOn: view.textMap("dependsOn"),
            content: WorkloadBuilder.workload(spec),
            overrides: view.map("servers").mapValues { WorkloadBuilder.workload(Override.merged($0, onto: spec)) },
            update: update(spec["update"]), suspend: suspension(spec["suspend"]),
            actions: view.map("actions").mapValues { RunBuilder.action($0, app: name) })
    }

    private static func server(_ spec: JSONValue) -> ServerSpec {
        let monitor = ObjectView(spec["monitor"], ServerSchema.monitor)
        return ServerSpec(
            address: spec["address"]?.string ?? "",
            monitor: MonitorSpec(every: monitor.duration("every"), hash: monitor.text("hash")),
            content: WorkloadBuilder.workload(spec), suspend: suspension(spec["suspend"]))
    }

    private static func schedule(_ spec: JSONValue) -> ScheduleSpec {
        let view = ObjectView(spec, ScheduleSchema.spec)
        return ScheduleSpec(
            trigger: trigger(view), request: RunBuilder.request(spec),
            overlap: view.text("overlap").flatMap(ScheduleSpec.Overlap.init(rawValue:)) ?? .forbid,
            suspend: suspension(spec["suspend"]))
    }

    private static func trigger(_ spec: ObjectView) -> ScheduleSpec.Trigger {
        if let cron = spec.text("at") {
            return .time(
                TimeTrigger(
                    cron: cron, timeZone: spec.text("timeZone") ?? "UTC", jitter: spec.duration("jitter"),
                    missed: spec.text("missed").flatMap(TimeTrigger.Missed.init(rawValue:)) ?? .once,
                    startDeadline: spec.duration("startDeadline")))
        }
        guard let condition = spec["when"] else { return .demand }
        let view = ObjectView(condition, ScheduleSchema.condition)
        let limit: ConditionTrigger.Limit? =
            view["above"]?.double.map { .above($0) } ?? view["below"]?.double.map { .below($0) }
        return .condition(
            ConditionTrigger(
                metric: view.text("metric") ?? "", limit: limit ?? .above(0), lasting: view.duration("for"),
                coolDown: view.duration("coolDown")))
    }

    static func placement(_ value: JSONValue?) -> Placement {
        let view = ObjectView(value, AppSchema.placement)
        if let servers = view.texts("servers") { return .servers(servers) }
        return .selector(view.textMap("selector"), count: view["count"]?.int)
    }

    private static func update(_ value: JSONValue?) -> UpdatePolicy {
        let limit = ObjectView(value, AppSchema.update)["maxUnavailable"]
        if let percent = limit?.string.flatMap(PercentText.parse) {
            return UpdatePolicy(maxUnavailable: .percent(percent))
        }
        return UpdatePolicy(maxUnavailable: .count(limit?.int ?? 1))
    }

    private static func suspension(_ value: JSONValue?) -> Suspension? {
        guard let reason = value?["reason"]?.string else { return nil }
        return Suspension(reason: reason, until: value?["until"]?.string.flatMap(RFC3339.parse))
    }
}
