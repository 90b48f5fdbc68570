// What apt-get is asked, and what it answers. With `-y` it would remove whatever stands in its way, so it is never let:
// installing removes nothing, and before a removal it is asked what would go.

package enum AptArguments {
    /// For every call. `-y` says yes to what is asked; a configuration file that somebody edited stays.
    package static let options = [
        "-y", "-q", "-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Use-Pty=0",
        "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold",
    ]

    package static func install(_ name: String, version: String?) -> [String] {
        let arguments = ["install", "--no-install-recommends", "--no-remove"]
        guard let version else { return arguments + [name] }
        return arguments + ["--allow-downgrades", "\(name)=\(version)"]
    }

    /// The newest versions of what is installed; nothing new comes and nothing goes.
    package static func upgrade(_ names: [String]) -> [String] {
        ["install", "--only-upgrade", "--no-install-recommends", "--no-remove"] + names
    }

    package static func remove(_ name: String) -> [String] { ["remove", name] }

    /// Says what `remove` would do, and nothing else.
    package static func simulateRemove(_ name: String) -> [String] { ["-s", "-qq", "remove", name] }

    /// What would go with the package, by the answer to `simulateRemove`.
    package static func goesWith(_ name: String, in answer: String) -> [String] {
        let going = answer.split(whereSeparator: \.isNewline).compactMap { line -> String? in
            let words = line.split(separator: " ")
            guard words.count > 1, words[0] == "Remv" || words[0] == "Purg" else { return nil }
            return String(words[1])
        }
        // apt leaves the architecture out where it is the system's own.
        let own = going.contains(name) ? name : String(name.prefix { $0 != ":" })
        return going.filter { $0 != own }
    }
}
