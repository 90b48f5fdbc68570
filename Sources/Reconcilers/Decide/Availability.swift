// What `update.maxUnavailable` counts. Two questions that must not be mixed up: an instance that is down needs no leave
// to be worked on (else a broken version could never be replaced), and one that is being worked on counts as
// unavailable.

import Model

enum Availability {
    /// Nothing of it serves: a service fell, none runs, or a check says that it is not well.
    ///
    /// While a change of the desired state waits to be made, its checks already ask for what is not there yet (another
    /// port): then only a check counts that was unwell before, which its open drift record tells.
    static func isDown(_ input: ReconcileInput, isChange: Bool) -> Bool {
        guard let fields = input.observed?.fields, fields.contains(where: isThere) else { return true }
        var services = 0
        var running = 0
        for (key, value) in fields {
            switch key.kind {
            case .service:
                if ServiceState.isFallen(value) { return true }
                services += 1
                running += ServiceState.isRunning(value) ? 1 : 0
            case .health where value != FieldValue.healthy && value != FieldValue.unknown:
                if !isChange || input.drift[key] != nil { return true }
            default: break
            }
        }
        return services > 0 && running == 0
    }

    /// Whether anything of this field exists: where nothing of an instance does, there is nothing that can fall.
    private static func isThere(_ key: FieldKey, _ value: String) -> Bool {
        switch key.kind {
        case .command: value == FieldValue.done
        case .service: value != FieldValue.stopped
        case .health: value == FieldValue.healthy
        default: value != FieldValue.absent
        }
    }

    /// Whether doing these steps can interrupt what serves. A change of the desired state always may; the repair of
    /// something that was changed on the server only where a process or package is touched.
    static func disturbs(_ steps: [Step], isChange: Bool) -> Bool {
        isChange
            || steps.contains { step in
                switch step.action {
                case .restart, .stop, .run, .install, .uninstall: true
                case .update: step.field.kind == .package
                case .create, .remove, .set, .unset, .start, .reload: false
                }
            }
    }
}
