// Debian's packages: looked at in dpkg's status file, changed by apt-get. Installing starts no service: as long as apt-get
// runs there is a policy-rc.d that says so (Debian policy 9.3.3), unless the system has one already.

internal import CLinux
internal import Glibc
internal import Model

struct AptPackages: PackageManager {
    let machine: Machine
    private let status: DpkgStatus

    private static let policy = "/usr/sbin/policy-rc.d"
    private static let policyText = "#!/bin/sh\n# redops: nothing is started while a package is installed\nexit 101\n"
    /// How often the lock that agents of one machine share is tried.
    private static let look: UInt32 = 100_000

    init(machine: Machine) {
        self.machine = machine
        status = DpkgStatus(root: machine.packageRoot)
    }

    func installedVersion(_ name: String) throws(StepError) -> String? { try status.version(of: name) }

    func exclusively(_ context: StepContext, _ body: () throws(StepError) -> Void) throws(StepError) {
        let lock = try openLock()
        let deadline = ContinuousClock.now + PackageDriver.patience
        while flock(lock.number, LOCK_EX | LOCK_NB) != 0 {
            if context.giveUp.isSet { throw .cancelled }
            guard ContinuousClock.now < deadline else {
                throw .failed("another agent of this machine still installs packages after \(PackageDriver.patience)")
            }
            usleep(Self.look)
        }
        // Only the holder of the lock may make or remove the policy; one that is there was left by a crash.
        removePolicy()
        let made = makePolicy()
        do throws(StepError) {
            try body()
        } catch {
            // apt-get may go on; who waits for its end comes this way again, and takes the policy away.
            if error != .cancelled, made { removePolicy() }
            throw error
        }
        if made { removePolicy() }
    }

    /// Takes away a policy that a crash left behind, unless an apt-get of this agent is still at work, or another agent is.
    func removeStalePolicy() {
        let processes = machine.ledger.read { $0.processes.values + $0.runs.open.values.compactMap(\.process) }
        let isAtWork = processes.contains { ProcessTable.runs($0) }
        guard !isAtWork, let lock = try? openLock(), flock(lock.number, LOCK_EX | LOCK_NB) == 0 else { return }
        removePolicy()
    }

    private func openLock() throws(StepError) -> OpenFile {
        do throws(SystemError) {
            return try OpenFile.open(machine.packageRoot + "/run/redops-packages.lock", O_RDWR | O_CREAT, mode: 0o600)
        } catch let error {
            throw error.step
        }
    }

    func install(_ name: String, version: String?, _ context: StepContext) throws(StepError) {
        try changing(AptArguments.install(name, version: version), context)
    }

    /// The lists are read anew first: without that there is never anything newer.
    func upgrade(_ names: [String], _ context: StepContext) throws(StepError) {
        let (exit, output) = try aptGet(["update"], context)
        guard exit == .exited(0) else { throw Self.failure(["update"], exit, output) }
        try changing(AptArguments.upgrade(names), context)
    }

    func goesWith(_ name: String, _ context: StepContext) throws(StepError) -> [String] {
        let arguments = AptArguments.simulateRemove(name)
        let (exit, output) = try aptGet(arguments, context)
        guard exit == .exited(0) else { throw Self.failure(arguments, exit, output) }
        return AptArguments.goesWith(name, in: output)
    }

    func uninstall(_ name: String, _ context: StepContext) throws(StepError) {
        try changing(AptArguments.remove(name), context)
    }

    /// Runs apt-get; where the lists are old or an earlier run was cut off, puts that right and tries once more.
    private func changing(_ arguments: [String], _ context: StepContext) throws(StepError) {
        let (exit, output) = try aptGet(arguments, context)
        if exit == .exited(0) { return context.note(output) }
        if output.contains("dpkg was interrupted") {
            _ = try context.run(program(["dpkg", "--configure", "-a"]), within: PackageDriver.patience)
        } else if Self.needsLists(output) {
            _ = try aptGet(["update"], context)
        } else {
            throw Self.failure(arguments, exit, output)
        }
        let (secondExit, secondOutput) = try aptGet(arguments, context)
        context.note(secondOutput)
        guard secondExit == .exited(0) else { throw Self.failure(arguments, secondExit, secondOutput) }
    }

    private static func needsLists(_ output: String) -> Bool {
        let signs = ["Unable to locate package", "has no installation candidate", "404  Not Found", "was not found"]
        return signs.contains { output.contains($0) }
    }

    private static func failure(_ arguments: [String], _ exit: ProcessExit, _ output: String) -> StepError {
        let lines = output.split(whereSeparator: \.isNewline)
        let reason = lines.first { $0.hasPrefix("E: ") }.map { ": \($0.dropFirst(3))" } ?? StepContext.lastLine(output)
        return .failed("apt-get \(arguments.joined(separator: " ")) \(exit.text)\(reason)")
    }

    private func aptGet(_ arguments: [String], _ context: StepContext) throws(StepError) -> (ProcessExit, String) {
        try context.run(program(["apt-get"] + AptArguments.options + arguments), within: PackageDriver.patience)
    }

    private func program(_ command: [String]) -> Program {
        let environment = [
            "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "APT_LISTCHANGES_FRONTEND": "none",
        ]
        let root = machine.packageRoot.isEmpty ? nil : machine.packageRoot
        return Program(command: command, environment: environment, root: root)
    }

    private func makePolicy() -> Bool {
        let path = machine.packageRoot + Self.policy
        guard let file = try? OpenFile.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o755) else { return false }
        try? file.writeAll(Array(Self.policyText.utf8), for: path)
        return true
    }

    private func removePolicy() {
        let path = machine.packageRoot + Self.policy
        if readSmallText(path) == Self.policyText { unlink(path) }
    }
}
