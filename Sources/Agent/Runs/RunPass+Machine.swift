// Steps that work on what the agent has beside programs: services, packages, folders.

internal import Glibc
internal import Model

extension RunPass {
    // MARK: restart

    func restart(_ app: String, _ names: [String], _ index: Int) throws(StepError) {
        let supervisor = machine.supervisor
        let id = InstanceID(app: app, server: runner.server)
        let here = supervisor.keys.filter { $0.instance == id }
        guard !here.isEmpty else { throw .impossible("\(app) has no services on \(runner.server)") }
        let keys = names.isEmpty ? here : names.map { ServiceKey(id, $0) }
        if let unknown = keys.first(where: { !here.contains($0) }) {
            throw .impossible("\(app) has no service \(unknown.name) on \(runner.server), but \(Self.list(here))")
        }
        try begin(index)
        defer { runner.onRestart(id) }
        for key in keys {
            try checkTime()
            try supervisor.startAnew(key)
            active.feed.put("restarted \(key.name)\n")
        }
    }

    private static func list(_ keys: [ServiceKey]) -> String { keys.map(\.name).joined(separator: ", ") }

    // MARK: upgrade

    func upgrade(_ names: [String], _ index: Int) throws(StepError) {
        if machine.sharesPackages {
            throw .impossible(
                "\(machine.root.path) shares the packages of its host: only there can they be upgraded")
        }
        if let bad = names.first(where: { !PackageDriver.isPlain($0) }) {
            throw .impossible("\(bad) is no name of a package")
        }
        try begin(index)
        let context = StepContext(
            job: key, step: index, giveUp: active.control.giveUp, machine: machine
        ) { program, time throws(StepError) in
            let exit = try self.start(program, within: time, index)
            self.note(exit: exit)
            return (exit, self.reader?.text ?? "")
        }
        try runner.packages.exclusively(context) { () throws(StepError) in
            try runner.packages.upgrade(names, context)
        }
    }

    // MARK: keep

    /// Files in one folder that are looked at; more of them are no backups.
    private static let mostFiles = 100_000

    func keep(_ rule: KeepRule, _ index: Int) throws(StepError) {
        let path = machine.root.insidePath(rule.folder)
        guard rule.count >= 1 else { throw .impossible("keep \(rule.count): at least 1 must stay") }
        do throws(SystemError) {
            let folder = try machine.root.open(path, O_RDONLY | O_DIRECTORY)
            let names = try Self.files(in: folder, path, rule.pattern)
            guard names.count > rule.count else { return }
            do throws(StepError) {
                try begin(index)
            } catch {
                throw SystemError(code: EIO, error.text)
            }
            for name in names.dropLast(rule.count) {
                guard unlinkat(folder.number, name, 0) == 0 || errno == ENOENT else {
                    throw SystemError(code: errno, "cannot remove \(rule.folder)/\(name)")
                }
                active.feed.put("removed \(rule.folder)/\(name)\n")
            }
            try folder.sync(for: path)
        } catch let error {
            throw error.step
        }
    }

    /// Names of regular files that match, sorted. What begins with a dot matches only a pattern that does: a file that is
    /// not whole yet has such a name.
    private static func files(
        in folder: borrowing OpenFile, _ path: String, _ pattern: String
    ) throws(SystemError) -> [String] {
        let copy = openat(folder.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else { throw SystemError(code: errno, "cannot read \(path)") }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name.hasPrefix(".") == pattern.hasPrefix("."), NamePattern.matches(pattern, name) else { continue }
            var status = stat()
            guard fstatat(folder.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFREG
            else { continue }
            guard names.count < mostFiles else {
                throw SystemError(code: E2BIG, "more than \(mostFiles) files in \(path)")
            }
            names.append(name)
        }
        return names.sorted()
    }
}

/// A file name with `*` for any run of characters.
package enum NamePattern {
    package static func matches(_ pattern: String, _ name: String) -> Bool {
        let pattern = Array(pattern.utf8)
        let name = Array(name.utf8)
        var (at, here) = (0, 0)
        // Where the last `*` stood, and what it has eaten so far.
        var star: (pattern: Int, name: Int)?
        while here < name.count {
            if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                star = (at + 1, here)
                at += 1
            } else if at < pattern.count, pattern[at] == name[here] {
                (at, here) = (at + 1, here + 1)
            } else if let last = star {
                star = (last.pattern, last.name + 1)
                (at, here) = (last.pattern, last.name + 1)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
