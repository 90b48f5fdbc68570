// The built programs, where the build put them: beside the test bundle. They are run as a person runs them, with an
// environment, arguments and files, and judged by what they print and how they end.

import Glibc
import TestRedis

/// How a program that ended, ended.
struct Outcome: Sendable, CustomStringConvertible {
    var code: Int32
    var output: String
    var errors: String

    var description: String { "exit code \(code)\noutput: \(output)\nerrors: \(errors)" }
}

enum Programs {
    /// The longest that any run of `opsapply` here may take.
    static let patience: Duration = .seconds(90)

    /// The folder of the running test bundle, which is that of the programs.
    static let folder: String = {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let here = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        return getenv("REDOPS_PROGRAMS").map { String(cString: $0) } ?? here
    }()

    /// The folder of the sources, by this file's own path.
    static let sources: String = #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()

    static func path(_ program: String) -> String { "\(folder)/\(program)" }

    /// Runs a program to its end. `arguments[0]` is one of ours, or is found by PATH.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], folder: String, within limit: Duration = patience
    ) async throws -> Outcome {
        let name = "\(folder)/run-\(UInt64.random(in: 0...UInt64.max))"
        defer {
            unlink(name + ".out")
            unlink(name + ".err")
        }
        let variables = environment.map { "\($0.key)=\($0.value)" }
        let pid = try ServerProcess.start(
            ["env"] + variables + arguments, output: name + ".out", errors: name + ".err")
        var code: Int32?
        _ = await eventually(within: limit) {
            code = ServerProcess.exitCode(pid)
            return code != nil
        }
        guard let code else {
            kill(pid, SIGKILL)
            _ = await eventually { ServerProcess.hasEnded(pid) }
            throw SpawnFailure(
                description:
                    "\(arguments) did not end within \(limit): \(readText(name + ".out"))\(readText(name + ".err"))")
        }
        return Outcome(code: code, output: readText(name + ".out"), errors: readText(name + ".err"))
    }
}
