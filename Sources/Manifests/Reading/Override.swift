// Overrides for single servers: merged as JSON (RFC 7396), then read like any other workload.

internal import JSON

enum Override {
    private static let sections = Set(WorkloadSchema.fields.map(\.name))

    /// The workload of a spec with an override merged onto it.
    static func merged(_ override: JSONValue, onto spec: JSONValue) -> JSONValue {
        merge(override, onto: .object((spec.object ?? [:]).filter { sections.contains($0.key) }))
    }

    /// Objects are merged by key, null removes, all else replaces.
    private static func merge(_ patch: JSONValue, onto base: JSONValue) -> JSONValue {
        guard let changes = patch.object else { return patch }
        // What a source was found to be belongs together.
        if changes["blob"] != nil { return patch }
        var members = base.object ?? [:]
        for (name, change) in changes {
            if change.isNull {
                members.removeValue(forKey: name)
            } else {
                members[name] = merge(change, onto: members[name] ?? [:])
            }
        }
        return .object(members)
    }
}
