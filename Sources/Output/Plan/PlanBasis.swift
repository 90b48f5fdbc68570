// What a plan was made from: everything that would make it another plan if it moved. `apply --plan` compares it with what
// is there now.

package import JSON
internal import Manifests
package import Model

package struct PlanBasis: Sendable, Hashable {
    /// The observed revision of every instance in the plan's scope, in sync or not; 0 if nothing was reported.
    package var revisions: [InstanceID: Int] = [:]
    /// Those of them that are desired.
    package var placed: Set<InstanceID> = []
    /// The stored generation of every resource that has a part in it; 0 if it is not stored.
    package var generations: [ResourceKey: Int] = [:]

    package init() {}

    /// One line for each thing that moved.
    package func differences(to now: PlanBasis) -> [String] {
        let since = "moved since the plan was made:"
        var lines: [String] = []
        for key in Set(generations.keys).union(now.generations.keys).sorted() {
            let (then, now) = (generations[key] ?? 0, now.generations[key] ?? 0)
            if then != now {
                lines.append("\(key) \(since) \(Self.generation(then)) then, \(Self.generation(now)) now")
            }
        }
        for id in placed.symmetricDifference(now.placed).sorted() {
            lines.append(
                "\(id) \(since) \(placed.contains(id) ? "placed then, not now" : "not placed then, placed now")")
        }
        for id in Set(revisions.keys).union(now.revisions.keys).sorted() {
            let (then, now) = (revisions[id] ?? 0, now.revisions[id] ?? 0)
            if then != now { lines.append("\(id) \(since) observed revision \(then) then, \(now) now") }
        }
        return lines
    }

    private static func generation(_ number: Int) -> String { number == 0 ? "not stored" : "generation \(number)" }

    package var document: JSONValue {
        var revisions: [String: JSONValue] = [:]
        for (id, revision) in self.revisions { revisions[id.description] = .int(revision) }
        var generations: [String: JSONValue] = [:]
        for (key, generation) in self.generations { generations[key.description] = .int(generation) }
        return [
            "revisions": .object(revisions), "generations": .object(generations),
            "placed": .array(placed.sorted().map { .string($0.description) }),
        ]
    }

    /// nil if the document is none of a basis.
    package init?(_ document: JSONValue?) {
        guard let revisions = document?["revisions"]?.object, let generations = document?["generations"]?.object,
            let placed = document?["placed"]?.array
        else { return nil }
        for (name, revision) in revisions {
            guard let id = InstanceID(name), let revision = revision.int else { return nil }
            self.revisions[id] = revision
        }
        for (name, generation) in generations {
            let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
            guard parts.count == 2, let kind = Kind(rawValue: parts[0]), let generation = generation.int else {
                return nil
            }
            self.generations[ResourceKey(kind, parts[1])] = generation
        }
        for name in placed {
            guard let id = name.string.flatMap(InstanceID.init) else { return nil }
            self.placed.insert(id)
        }
    }
}
