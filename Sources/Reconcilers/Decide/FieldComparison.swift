// Desired against observed, field by field: which steps, and what could not be said.

public import Model

/// The comparison of one instance.
public struct FieldComparison: Sendable, Hashable {
    /// Every step that is wanted, in the order in which they are done.
    public internal(set) var steps: [Step] = []
    /// Desired fields of which nothing was observed yet: no step is planned for them.
    public internal(set) var unobserved: [FieldKey] = []
    /// Desired fields that could not be observed, with what stood in the way: no step is planned for them either.
    public internal(set) var errors: [FieldKey: String] = [:]
    /// Health checks that are not well (`unhealthy: …`), in order.
    public internal(set) var unhealthy: [FieldKey] = []
    /// Health checks that have not answered yet.
    public internal(set) var unchecked: [FieldKey] = []
    /// Fields that do not meet what is desired, in order.
    public internal(set) var unmet: [FieldKey] = []

    /// Compares fields as observed with what is desired. The one place where steps come from.
    public init(desired: DesiredInstance, observed: [FieldKey: String]) {
        for field in desired.fields { take(field, observed[field.key]) }
        let leftovers = Leftovers(desired: desired, observed: observed)
        steps = leftovers.before + steps + leftovers.after
        unmet += leftovers.fields
    }

    private mutating func take(_ field: DesiredField, _ value: String?) {
        guard let value, value != FieldValue.unknown else {
            if field.key.kind == .health { unchecked.append(field.key) } else { unobserved.append(field.key) }
            return
        }
        if FieldValue.isError(value) {
            errors[field.key] = value
        } else if !field.expectation.isMet(by: value) {
            unmet.append(field.key)
            if let step = StepRule.step(field, from: value) { steps.append(step) } else { unhealthy.append(field.key) }
        }
    }

    /// Whether everything but health was observed and meets what is desired.
    public var isConverged: Bool {
        steps.isEmpty && unobserved.isEmpty && !errors.keys.contains { $0.kind != .health }
    }

    /// Whether all is observed, in sync and well.
    public var isReady: Bool { isConverged && errors.isEmpty && unhealthy.isEmpty && unchecked.isEmpty }
}

/// Which step takes a field from what it is to what it should be.
enum StepRule {
    /// nil for health, which is never made so by a step.
    static func step(_ field: DesiredField, from value: String) -> Step? {
        action(field, from: value).map {
            Step(field: field.key, action: $0, from: value, to: field.expectation.text, spec: field.spec)
        }
    }

    private static func action(_ field: DesiredField, from value: String) -> StepAction? {
        switch field.spec {
        case .config: .set
        case .package(.absent): .uninstall
        case .package: value == FieldValue.absent ? .install : .update
        case .directory, .file: value == FieldValue.absent ? .create : .update
        case .command: .run
        case .service(let run): action(run, from: value)
        case .health: nil
        }
    }

    /// A process of another definition is restarted; one that only has to read something again is told so, if it can
    /// be.
    private static func action(_ service: ServiceRun, from value: String) -> StepAction {
        guard ServiceState.isRunning(value) else { return .start }
        let canReload = service.spec.reload != nil && ServiceState.runDigest(value).map { $0 == service.run } == true
        return canReload ? .reload : .restart
    }
}

/// Reading a service's observed text.
enum ServiceState {
    private static let prefix = "running "

    static func isRunning(_ value: String) -> Bool { value.hasPrefix(prefix) }

    /// `exited 1`, `killed 9`: it ran and does not any more.
    static func isFallen(_ value: String) -> Bool { value.hasPrefix("exited ") || value.hasPrefix("killed ") }

    static func runDigest(_ value: String) -> Substring? {
        guard isRunning(value), let slash = value.lastIndex(of: "/") else { return nil }
        return value[value.index(value.startIndex, offsetBy: prefix.count)..<slash]
    }
}
