// Where the agent keeps what must outlive it: the ledger, the last assignments, the output of services and steps. One
// agent at a time may use it.

internal import CLinux
internal import Glibc
internal import Manifests
package import Model
package import Store
internal import JSON

package struct StateFolder: Sendable {
    package let path: String
    package let left: LeftOutputs

    package var ledgerPath: String { path + "/journal" }
    var identityPath: String { path + "/identity" }
    var assignmentsPath: String { path + "/assignments.json" }
    var servicesPath: String { path + "/services" }
    var outputPath: String { path + "/output" }
    var runsPath: String { path + "/runs" }

    /// Makes the folder and what is above it.
    package init(_ path: String) throws(StepError) {
        self.path = path
        left = LeftOutputs(folder: path + "/left")
        for folder in [path, path + "/services", path + "/output", path + "/runs", path + "/left"] {
            try Self.makeFolders(folder)
        }
    }

    package static func makeFolders(_ path: String) throws(StepError) {
        for folder in RootFolder.ancestors(of: path).dropFirst() + [path] {
            guard mkdir(folder, 0o755) == 0 || errno == EEXIST else {
                throw SystemError(code: errno, "cannot make the folder \(folder)").step
            }
        }
    }

    /// How long an agent that is just ending may still hold the folder.
    private static let lockPatience: Duration = .milliseconds(500)

    /// Takes the folder for this process; the returned file holds it as long as it is open.
    package func lock() throws(StepError) -> OpenFile {
        let file: OpenFile
        do throws(SystemError) {
            file = try OpenFile.open(path + "/lock", O_RDWR | O_CREAT, mode: 0o600)
        } catch {
            throw error.step
        }
        let deadline = ContinuousClock.now + Self.lockPatience
        while flock(file.number, LOCK_EX | LOCK_NB) != 0 {
            guard ContinuousClock.now < deadline else {
                throw .impossible("another agent uses the state folder \(path): give each agent a --state of its own")
            }
            usleep(10_000)
        }
        return file
    }

    /// Replaces a file in one move: after a crash it is the old or the new one, whole.
    package static func replace(_ path: String, with bytes: [UInt8]) throws(StepError) {
        do throws(SystemError) {
            _ = try put(bytes, at: path)
            try syncFolder(of: path)
        } catch {
            throw error.step
        }
    }

    /// Moves a new file to the path, and returns it open for appending. Until its folder is synced, a power loss may bring
    /// the old one back.
    static func put(_ bytes: [UInt8], at path: String) throws(SystemError) -> OpenFile {
        let temporary = path + ".new"
        do throws(SystemError) {
            let file = try OpenFile.open(temporary, O_RDWR | O_APPEND | O_CREAT | O_TRUNC, mode: 0o600)
            try file.writeAll(bytes, for: temporary)
            try file.sync(for: temporary)
            guard rename(temporary, path) == 0 else { throw SystemError(code: errno, "cannot replace \(path)") }
            return file
        } catch {
            unlink(temporary)
            throw error
        }
    }

    static func syncFolder(of path: String) throws(SystemError) {
        let folder = try OpenFile.open(RootFolder.parent(of: path), O_RDONLY | O_DIRECTORY)
        try folder.sync(for: path)
    }

    /// Who uses this folder: an id that stays with it on its machine, so that a copy of the folder on another one has another,
    /// and the start of the machine. The file is `id machine`.
    package func identity() throws(StepError) -> AgentIdentity {
        try identity(onBoot: Self.line(Self.bootPath), of: Self.machine)
    }

    package func identity(onBoot boot: String, of machine: String) throws(StepError) -> AgentIdentity {
        guard !boot.isEmpty else { throw .impossible("cannot read \(Self.bootPath): the agent needs /proc") }
        let words = Self.line(identityPath).split(separator: " ").map(String.init)
        let isWhole = words.count == 2 && words[0].allSatisfy(\.isHexDigit) && words[1] == machine
        let id = isWhole ? words[0] : String(UInt64.random(in: .min ... .max), radix: 16)
        if !isWhole { try Self.replace(identityPath, with: Array("\(id) \(machine)\n".utf8)) }
        return AgentIdentity(journal: id, boot: boot, place: "\(Self.host):\(path)")
    }

    /// What tells a virtual machine from a copy of it (sysfs, firmware/dmi); where that cannot be read, the name that the
    /// system was given when it was installed.
    private static var machine: String {
        let names = ["/sys/class/dmi/id/product_uuid", "/etc/machine-id"].lazy.map(line)
        return names.first { !$0.isEmpty && !$0.contains(" ") } ?? "-"
    }

    private static let bootPath = "/proc/sys/kernel/random/boot_id"

    private static func line(_ path: String) -> String {
        String(decoding: (readSmallFile(path, limit: 256) ?? []).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    private static var host: String {
        var name = utsname()
        guard uname(&name) == 0 else { return "?" }
        return withUnsafeBytes(of: name.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    package func saveAssignments(_ assignments: [Assignment]) throws(StepError) {
        let text = JSONValue.array(assignments.map(\.json)).canonicalBytes
        try Self.replace(assignmentsPath, with: text)
    }

    /// The last assignments; empty if there are none or they cannot be read.
    package func loadAssignments() -> [Assignment] {
        guard let bytes = readSmallFile(assignmentsPath, limit: 64 << 20), let json = try? JSONValue.parse(bytes) else {
            return []
        }
        return (json.array ?? []).compactMap { try? Assignment(json: $0) }
    }

    /// `<state>/services/webapp/nginx.log`; App names and service names are single path components.
    func serviceLog(_ key: ServiceKey) throws(StepError) -> String {
        let folder = servicesPath + "/" + key.instance.appKey
        try Self.makeFolders(folder)
        return folder + "/" + Self.component(key.name) + ".log"
    }

    func stepOutput(job: String) -> String { outputPath + "/" + Self.component(job) }

    func removeOutput(job: String) { left.discard(stepOutput(job: job)) }

    /// Removes the output of jobs that are not open here any more: cancelled ones, and those of a store that is gone.
    package func removeOutputs(except open: () -> [String]) {
        let found = Self.names(in: outputPath)
        // Asked after the look: who begins a job writes that down before its output.
        let kept = Set(open().map(Self.component))
        for name in found where !kept.contains(name) { left.discard(outputPath + "/" + name) }
    }

    static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// A name as one component of a path.
    private static func component(_ name: String) -> String {
        let text = String(name.map { $0 == "/" || $0 == "\0" ? "_" : $0 })
        return text == "." || text == ".." ? "_" + text : text
    }
}
