// Whose files and folders are, and what their modes are, at every moment.

import Agent
import Glibc
import Model
import TestRedis
import Testing

@Suite struct OwnershipTests {
    @Test func `folders above a file can be passed by everybody, whatever the agent was started from`() async throws {
        let before = umask(0o077)
        defer { umask(before) }
        let stage = try await Stage()
        chmod(stage.root, 0o755)
        stage.desire([.file("/etc/webapp/deep/a", "a")])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            #expect(Disk.mode(stage.root + "/etc/webapp") == 0o755)
            #expect(Disk.mode(stage.root + "/etc/webapp/deep") == 0o755)
        }
    }

    @Test(.enabled(if: isRoot, "to become another user needs root"))
    func `a folder is closed to others until its owner and mode are set`() throws {
        let bench = try Bench()
        chown(bench.root, nobody, gid_t.max)
        let ownership = Ownership(mode: 0o755, owner: "0")
        let field = DesiredField(
            key: FieldKey(.directory, "/d"), expectation: .startsWith("directory 0755 root:"),
            spec: .directory(ownership))
        // Nobody may not give the folder to root: the step ends between making it and setting its mode.
        let end = asNobody { bench.apply("a", [field]) }
        #expect(end?.error?.contains("cannot change the owner of") == true)
        #expect(Disk.mode(bench.root + "/d") == 0o700)
        #expect(bench.apply("a", [field])?.result == .done)
        #expect(Disk.mode(bench.root + "/d") == 0o755)
    }
}
