// A whole plan: the instances that differ, the placements that move, and the counts. What does not differ is only counted,
// so that a plan over a large fleet stays as small as its differences.

package import JSON
internal import Manifests
package import Model
package import Reconcilers

package struct PlanReport: Sendable {
    package var items: [PlanItem] = []
    /// By App, where servers join or leave it.
    package var placements: [String: PlacementChange] = [:]
    /// Apps whose removals the controller holds back until a person confirms.
    package var brakes: [String: (removing: Int, of: Int)] = [:]
    /// Resources that are new or whose spec changes, with the generation that they would get.
    package var resources: [ResourceKey: Int] = [:]
    package private(set) var counts = PlanCounts()
    package private(set) var inSync = 0
    /// Something that is stored could not be read.
    package var isIncomplete = false

    package init() {}

    package mutating func add(_ item: PlanItem) {
        if item.isUnchanged {
            inSync += 1
            return
        }
        counts += item.counts
        items.append(item)
    }

    package var hasDifferences: Bool { !items.isEmpty || !placements.isEmpty || !resources.isEmpty }

    /// `3 to create, 2 to update, 1 to remove, 0 unknown; 2 instances differ (1 held), 8 in sync`.
    package var summary: String {
        let held = items.count { $0.preview?.hold != nil }
        return "\(counts.text); \(counted(items.count, "instance")) \(items.count == 1 ? "differs" : "differ")"
            + "\(held > 0 ? " (\(held) held)" : ""), \(inSync) in sync"
    }

    package func text(_ paint: Paint) -> String {
        var text = ""
        for (key, generation) in resources.sorted(by: { $0.key < $1.key }) {
            text += "\(key): \(generation == 1 ? "new" : "becomes generation \(generation)")\n"
        }
        for (app, change) in placements.sorted(by: { $0.key < $1.key }) { text += placement(app, change, paint) }
        if !text.isEmpty { text += "\n" }
        for item in items { text += item.text(paint) }
        return text + (items.isEmpty ? "" : "\n") + paint(summary, .strong) + "\n"
    }

    private func placement(_ app: String, _ change: PlacementChange, _ paint: Paint) -> String {
        var parts: [String] = []
        if !change.added.isEmpty { parts.append(paint("+ \(listed(change.added))", .good)) }
        if !change.removed.isEmpty { parts.append(paint("- \(listed(change.removed))", .bad)) }
        var text = "App/\(app.printable): placement \(parts.joined(separator: ", "))\n"
        if let brake = brakes[app] {
            let need = "removing \(brake.removing) of \(brake.of) instances needs opsapply confirm app/\(app.printable)"
            text += "  " + paint(need, .warning) + "\n"
        }
        return text
    }

    package var document: JSONValue {
        var moves: [JSONValue] = []
        for (app, change) in placements.sorted(by: { $0.key < $1.key }) {
            moves.append([
                "app": .string(app), "added": .array(change.added.map { .string($0) }),
                "removed": .array(change.removed.map { .string($0) }), "needsConfirmation": .bool(brakes[app] != nil),
            ])
        }
        let changes: [JSONValue] = resources.sorted { $0.key < $1.key }.map { key, generation in
            ["resource": .string(key.description), "generation": .int(generation)]
        }
        var summary = counts.document
        summary["instances"] = .int(items.count)
        summary["inSync"] = .int(inSync)
        summary["held"] = .int(items.count { $0.preview?.hold != nil })
        return [
            "resources": .array(changes), "placements": .array(moves), "instances": .array(items.map(\.document)),
            "summary": summary,
        ]
    }
}
