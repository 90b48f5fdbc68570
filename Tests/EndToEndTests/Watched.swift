// `opsapply` as a person leaves it running in a terminal: what it has said so far can be read, and it can be interrupted.

import Glibc
import TestRedis

struct Watched: Sendable {
    private let pid: pid_t
    private let path: String

    init(_ fleet: TestFleet, _ arguments: String...) throws {
        path = "\(fleet.folder)/watched-\(UInt64.random(in: 0...UInt64.max))"
        pid = try ServerProcess.start(
            ["env", "OPS_REDIS_URL=\(fleet.url)", Programs.path("opsapply")] + arguments,
            output: path + ".out", errors: path + ".err")
    }

    var output: String { readText(path + ".out") }
    var errors: String { readText(path + ".err") }

    /// Whether it comes to say this, on either stream.
    func says(_ text: String, within limit: Duration = .seconds(30)) async -> Bool {
        await eventually(within: limit) { output.contains(text) || errors.contains(text) }
    }

    func signal(_ number: Int32) { kill(pid, number) }

    /// How it ended; killed, and said to have ended with -1, where it does not.
    func end(within limit: Duration = .seconds(30)) async -> Outcome {
        var code: Int32?
        _ = await eventually(within: limit) {
            code = ServerProcess.exitCode(pid)
            return code != nil
        }
        if code == nil {
            kill(pid, SIGKILL)
            _ = await eventually { ServerProcess.hasEnded(pid) }
        }
        return Outcome(code: code ?? -1, output: output, errors: errors)
    }
}
