// The monitor of a program: what it says where its agent died at the worst moment.

import Agent
import CLinux
import Glibc
import Model
import Testing

@Suite struct RunMonitorTests {
    @Test func `a program that its agent never gave leave to begin is begun by the next life`() throws {
        let bench = try RunBench()
        let job = RunBench.job([.shell("printf x >> count")])
        let key = RunBench.claim(job).ledgerKey
        let path = "\(bench.folder.path)/state/runs/\(Digest.sha256(Array(key.utf8)).prefix(32)).1.0"
        var child = try #require(Self.fork("/bin/true", status: path))
        let process = try #require(ProcessTable.identity(of: child.pid))
        try bench.machine.ledger.append([.runBegun(run: key, OpenRun(attempt: 1, step: 0, process: process))])
        // All that the death of an agent is to its child.
        close(child.go)
        close(child.failure)
        waitpid(child.pid, nil, 0)
        child.pid = 0
        #expect(Disk.text(path) == "-\n")
        let outcome = try bench.nextLife().run(job, attempt: 2)
        #expect(outcome?.result == .done && bench.count == 1)
    }

    @Test func `a monitor ends with its program's exit code, and says it to whoever comes later`() throws {
        let folder = Folder()
        let path = folder.path + "/status"
        for (program, code) in [("/bin/true", Int32(0)), ("/bin/false", 1)] {
            var child = try #require(Self.fork(program, status: path))
            var stage: Int32 = 0
            let pid = child.pid
            #expect(redops_begin(&child, 10_000, &stage) == 0)
            var status: Int32 = 0
            #expect(waitpid(pid, &status, 0) == pid && status == code << 8)
            #expect(Disk.text(path) == "\(code << 8)\n")
        }
    }

    /// A child under a monitor that has not begun.
    private static func fork(_ path: String, status: String) -> redops_child? {
        let file = open(status, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(file) }
        var child = redops_child()
        let forked = path.withCString { text in
            var arguments: [UnsafeMutablePointer<CChar>?] = [UnsafeMutablePointer(mutating: text), nil]
            var environment: [UnsafeMutablePointer<CChar>?] = [nil]
            return arguments.withUnsafeMutableBufferPointer { arguments in
                environment.withUnsafeMutableBufferPointer { environment in
                    var spawn = redops_spawn()
                    spawn.path = text
                    spawn.arguments = UnsafePointer(arguments.baseAddress)
                    spawn.environment = UnsafePointer(environment.baseAddress)
                    spawn.output = 2
                    (spawn.errors, spawn.input, spawn.status) = (-1, -1, file)
                    return redops_fork(&spawn, &child)
                }
            }
        }
        return forked == 0 ? child : nil
    }
}
