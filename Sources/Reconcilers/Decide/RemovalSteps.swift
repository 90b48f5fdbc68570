// Taking away, in the reverse of making: services stop first, then files, then folders from the deepest up, then
// packages. A command and a health check leave nothing behind that could be undone.

import Model

enum RemovalSteps {
    /// For a whole instance: what it was assigned, or where that is lost, what was observed of it.
    static func steps(assignment: Assignment?, observed: [FieldKey: String]) -> [Step] {
        let fields = assignment.map { $0.fields.filter(leavesSomething).map(\.key) } ?? Array(observed.keys)
        return fields.sorted(by: isRemovedEarlier).compactMap { step($0, from: observed[$0]) }
    }

    /// A package that was wanted absent is not put back.
    private static func leavesSomething(_ field: DesiredField) -> Bool { field.spec != .package(.absent) }

    static func isRemovedEarlier(_ left: FieldKey, _ right: FieldKey) -> Bool { right < left }

    /// nil if there is nothing to take away.
    static func step(_ key: FieldKey, from value: String?) -> Step? {
        guard let action = action(key.kind), value != FieldValue.absent, value != FieldValue.stopped else { return nil }
        let to = key.kind == .service ? FieldValue.stopped : FieldValue.absent
        return Step(field: key, action: action, from: value, to: to, spec: nil)
    }

    private static func action(_ kind: FieldKind) -> StepAction? {
        switch kind {
        case .config: .unset
        case .package: .uninstall
        case .directory, .file: .remove
        case .service: .stop
        case .command, .health: nil
        }
    }
}

/// Fields that an instance still has and no longer should: entries that left the manifest while the instance stayed.
struct Leftovers {
    /// Services stop before anything else happens: a renamed one must free what it holds.
    let before: [Step]
    /// All else goes last, when nothing needs it any more.
    let after: [Step]

    init(desired: DesiredInstance, observed: [FieldKey: String]) {
        let wanted = Set(desired.fields.map(\.key))
        let extra = observed.keys.filter { !wanted.contains($0) }.sorted(by: RemovalSteps.isRemovedEarlier)
        let steps = extra.compactMap { key in
            observed[key].flatMap { FieldValue.isError($0) ? nil : RemovalSteps.step(key, from: $0) }
        }
        before = steps.filter { $0.field.kind == .service }
        after = steps.filter { $0.field.kind != .service }
    }

    var fields: [FieldKey] { (before + after).map(\.field) }
}
