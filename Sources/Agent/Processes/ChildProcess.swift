// Starts programs. Arguments are arrays and never pass through a shell. The child waits, before it begins, until its
// process id has been written down: an agent that is killed in between leaves no process that nobody knows of.

internal import CLinux
internal import Glibc
internal import Model

/// What is to be run; all paths are literal.
package struct Program: Sendable, Hashable {
    package var command: [String]
    package var environment: [String: String]
    package var directory: String?
    package var user: String?
    /// A folder to chroot into; nil for none.
    package var root: String?

    package init(
        command: [String], environment: [String: String] = [:], directory: String? = nil, user: String? = nil,
        root: String? = nil
    ) {
        self.command = command
        self.environment = environment
        self.directory = directory
        self.user = user
        self.root = root
    }

    static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
}

/// Open files of a program beside its output, by number; their owner keeps them open until it was started.
struct ChildFiles {
    /// Standard input; nil: nothing to read.
    var input: Int32?
    /// Standard error; nil: it goes where the output goes.
    var errors: Int32?
    /// Where a monitor of the program writes how it ended; nil: it has none.
    var status: Int32?
}

package struct ChildProcess: Sendable {
    /// Opened before the program began: a process that runs is always one that can be followed.
    package let handle: ProcessHandle

    /// From the fork's end to the program's begin: longer only where a file system does not answer.
    static let startPatience: Duration = .seconds(10)

    /// Starts the program with its output going to an open file. `beforeItBegins` gets the process's identity; if it
    /// throws, the program never runs.
    package static func start(
        _ program: Program, names: OwnerNames, output: borrowing OpenFile,
        beforeItBegins: (ProcessIdentity) throws(StepError) -> Void
    ) throws(StepError) -> ChildProcess {
        try start(
            program, names: names, output: output.number, files: ChildFiles(), beforeItBegins: beforeItBegins)
    }

    static func start(
        _ program: Program, names: OwnerNames, output: Int32, files: ChildFiles,
        beforeItBegins: (ProcessIdentity) throws(StepError) -> Void
    ) throws(StepError) -> ChildProcess {
        let user = try program.user.map { name throws(StepError) in try names.identity(name) }
        let environment = environment(of: program, user: user)
        let path = try find(program, path: environment["PATH"] ?? Program.defaultPath)
        var child = redops_child()
        let forked = fork(
            program, path: path, environment: environment, user: user, output: output, files: files, &child)
        guard forked == 0 else { throw SystemError(code: -forked, "cannot start \(path)").step }
        guard let identity = ProcessTable.identity(of: child.pid) else {
            redops_abandon(&child)
            throw .failed("cannot start \(path): it is gone from /proc")
        }
        guard let handle = ProcessHandle(identity) else {
            redops_abandon(&child)
            throw .failed("cannot start \(path): cannot follow process \(identity.pid)")
        }
        do throws(StepError) {
            try beforeItBegins(identity)
        } catch {
            redops_abandon(&child)
            throw error
        }
        var stage: Int32 = 0
        let begun = redops_begin(&child, Int32(startPatience.wholeMilliseconds), &stage)
        guard begun == 0 else { throw failure(program, path: path, stage: stage, code: -begun) }
        return ChildProcess(handle: handle)
    }

    private static func fork(
        _ program: Program, path: String, environment: [String: String], user: UserIdentity?, output: Int32,
        files: ChildFiles, _ child: inout redops_child
    ) -> Int32 {
        withStrings(program.command) { arguments in
            withStrings(environment.map { "\($0.key)=\($0.value)" }.sorted()) { variables in
                withStrings([path, program.root, program.directory]) { paths in
                    (user?.groups ?? []).withUnsafeBufferPointer { groups in
                        var spawn = redops_spawn()
                        spawn.path = UnsafePointer(paths[0])
                        spawn.arguments = UnsafePointer(arguments)
                        spawn.environment = UnsafePointer(variables)
                        spawn.root = program.root == nil ? nil : UnsafePointer(paths[1])
                        spawn.directory = program.directory == nil ? nil : UnsafePointer(paths[2])
                        spawn.output = output
                        spawn.errors = files.errors ?? -1
                        spawn.input = files.input ?? -1
                        spawn.status = files.status ?? -1
                        spawn.set_ids = user == nil ? 0 : 1
                        spawn.uid = user?.uid ?? 0
                        spawn.gid = user?.gid ?? 0
                        spawn.groups = groups.baseAddress
                        spawn.group_count = groups.count
                        return redops_fork(&spawn, &child)
                    }
                }
            }
        }
    }

    private static func withStrings<Value>(
        _ strings: [String?], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Value
    ) -> Value {
        var pointers = strings.map { strdup($0 ?? "") } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { preconditionFailure("the array has at least its end") }
            return body(start)
        }
    }

    /// A small environment of its own: what the agent was started with (a password in a URL) is nobody's business.
    private static func environment(of program: Program, user: UserIdentity?) -> [String: String] {
        let base = ["PATH": Program.defaultPath, "LANG": "C.UTF-8", "HOME": user?.home ?? "/root"]
        return base.merging(program.environment) { _, given in given }
    }

    private static func find(_ program: Program, path: String) throws(StepError) -> String {
        guard let name = program.command.first, !name.isEmpty else { throw .impossible("the command is empty") }
        if name.contains("/") { return name }
        for folder in path.split(separator: ":") {
            let candidate = "\(folder)/\(name)"
            if access((program.root ?? "") + candidate, X_OK) == 0 { return candidate }
        }
        throw .failed("there is no program \(name) in \(path)")
    }

    private static func failure(_ program: Program, path: String, stage: Int32, code: Int32) -> StepError {
        let why = SystemError.text(of: code)
        switch UInt32(stage) {
        case redops_stage_directory.rawValue:
            return .failed("cannot start \(path): folder \(program.directory ?? "/"): \(why)")
        case redops_stage_user.rawValue:
            return .failed("cannot start \(path) as user \(program.user ?? ""): \(why)")
        case redops_stage_root.rawValue:
            return .failed("cannot start \(path): root folder \(program.root ?? "/"): \(why)")
        default: return .failed("cannot start \(path): \(why)")
        }
    }
}
