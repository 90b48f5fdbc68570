// Files, directories and packages that two resources declare for one server: each would undo the other, without end.
// Placement by count is not known here, so a server that might be chosen counts; hence these are warnings.

internal import JSON
internal import Model

struct SharedFields {
    private struct Field: Hashable {
        var section: String
        var name: String
    }

    private let members: [SetCheck.Member]
    private let servers: [String: [String: String]]
    /// The most Apps with one field that are looked at.
    private static let mostCompared = 64
    private var known: [Int: Set<String>] = [:]
    private(set) var warnings: [(member: Int, finding: Finding)] = []

    init(_ members: [SetCheck.Member], servers: [String: [String: String]]) {
        self.members = members
        self.servers = servers
        for (field, carriers) in declared() where carriers.count > 1 {
            // Two Servers are never in each other's way.
            let apps = carriers.filter { members[$0].reading.kind == .app }.prefix(Self.mostCompared)
            for index in carriers {
                let isApp = members[index].reading.kind == .app
                check(field, index, apps.filter { !isApp || $0 < index })
            }
        }
    }

    /// Who declares what, in the order of the members.
    private func declared() -> [Field: [Int]] {
        var declared: [Field: [Int]] = [:]
        for (index, member) in members.enumerated() where member.reading.kind?.hasInstances ?? false {
            for section in ["packages", "directories", "files"] {
                for name in (member.reading.manifest["spec"]?[section]?.object ?? [:]).keys {
                    declared[Field(section: section, name: name), default: []].append(index)
                }
            }
        }
        return declared
    }

    /// Warns of the first of the others that is on the same server and wants something else there.
    private mutating func check(_ field: Field, _ index: Int, _ others: [Int]) {
        let mine = value(field, of: index)
        for other in others where members[other].reading.key != members[index].reading.key {
            // Two wanting the same package or directory agree; a file is removed with the App that made it.
            guard field.section == "files" || value(field, of: other) != mine, let key = members[other].reading.key,
                let server = places(of: index).intersection(places(of: other)).min()
            else { continue }
            let path: [PathElement] = ["spec", .key(field.section), .key(field.name)]
            warnings.append(
                (
                    index,
                    Finding(
                        path: members[index].reading.base + path, spot: .key,
                        message: "\(key) declares it as well, and both can be on \(server): one would undo the other")
                ))
            return
        }
    }

    private func value(_ field: Field, of index: Int) -> JSONValue? {
        members[index].reading.manifest["spec"]?[field.section]?[field.name]
    }

    /// The servers that a member is on, or might be.
    private mutating func places(of index: Int) -> Set<String> {
        if let known = known[index] { return known }
        let places = lookedUpPlaces(of: index)
        known[index] = places
        return places
    }

    private func lookedUpPlaces(of index: Int) -> Set<String> {
        let reading = members[index].reading
        guard reading.kind == .app else { return Set(reading.name.map { [$0] } ?? []) }
        switch SpecBuilder.placement(reading.manifest["spec"]?["placement"]) {
        case .servers(let names): return Set(names)
        case .selector(let labels, _):
            let selected = servers.filter { server in labels.allSatisfy { server.value[$0.key] == $0.value } }
            return Set(selected.keys)
        }
    }
}
