// What a job cannot be made to do: each test is of one guard, and fails when that is taken away.

import Agent
import Glibc
import Model
import TestRedis
import Testing

@Suite struct GuardTests {
    private static func owned(_ path: String, _ text: String, by owner: String, mode: Int) -> DesiredField {
        let bytes = Array(text.utf8)
        let ownership = Ownership(mode: mode, owner: owner, group: owner)
        let render = FileRender(
            digest: Digest.sha256(bytes), size: bytes.count, ownership: ownership, content: bytes)
        return DesiredField(key: FieldKey(.file, path), expectation: .present, spec: .file(render))
    }

    @Test(.enabled(if: isRoot, "to give files away needs root"))
    func `a file belongs to whom it shall, with its mode`() throws {
        let bench = try Bench()
        #expect(bench.apply("a", [Self.owned("/a", "x", by: "1", mode: 0o4750)])?.result == .done)
        var status = stat()
        #expect(stat(bench.root + "/a", &status) == 0)
        #expect(status.st_uid == 1)
        #expect(status.st_gid == 1)
        #expect(Disk.mode(bench.root + "/a") == 0o4750)
    }

    @Test(.enabled(if: isRoot, "to become another user needs root"))
    func `a file is not in its place before its owner and mode are set`() throws {
        let bench = try Bench()
        chown(bench.root, nobody, gid_t.max)
        Disk.write("old", to: bench.root + "/a")
        let end = asNobody { bench.apply("a", [Self.owned("/a", "secret", by: "0", mode: 0o600)]) }
        #expect(end?.error?.contains("cannot change the owner of") == true)
        #expect(Disk.text(bench.root + "/a") == "old")
        #expect(Disk.names(bench.root) == ["a"])
    }

    @Test func `content that is not that of its digest is not written`() throws {
        let bench = try Bench()
        let render = FileRender(
            digest: Digest.sha256([1]), size: 1, ownership: Ownership(mode: 0o644), content: [2])
        let field = DesiredField(key: FieldKey(.file, "/a"), expectation: .present, spec: .file(render))
        #expect(bench.apply("a", [field])?.error?.contains("is not that of its digest") == true)
        #expect(Disk.names(bench.root) == [])
    }

    @Test(.enabled(if: isRoot, "to become another user needs root"), arguments: [true, false])
    func `what is planted at the temporary's name and cannot be taken away is not written to`(_ isLink: Bool) throws {
        let bench = try Bench()
        let secret = bench.folder.path + "/secret"
        Disk.write("secret", to: secret)
        chown(secret, nobody, gid_t.max)
        let temporary = bench.root + "/.redops-\(Digest.sha256(Array("/a".utf8)).prefix(16)).tmp"
        #expect((isLink ? symlink(secret, temporary) : link(secret, temporary)) == 0)
        // Whoever is not its owner may write in this folder, and remove only what is his own: here nothing.
        if !isLink { chown(secret, 1, gid_t.max); chmod(secret, 0o666) }
        chmod(bench.folder.path, 0o711)
        chmod(bench.root, 0o1770)
        let end = asNobody { bench.apply("a", [.file("/a", "ours")]) }
        #expect(end?.error?.contains("cannot write in") == true)
        #expect(Disk.text(secret) == "secret")
        #expect(!Disk.exists(bench.root + "/a"))
    }

    @Test func `a link at the place of a folder is not followed`() throws {
        let bench = try Bench()
        Disk.makeFolders(bench.root + "/target")
        symlink("/target", bench.root + "/d")
        let end = bench.apply("a", [.directory("/d", mode: 0o777)])
        #expect(end?.error?.contains("is there and is not a folder: move it away") == true)
        #expect(Disk.mode(bench.root + "/target") == 0o755)
    }

    @Test(arguments: ["-oDPkg::Pre-Invoke=id", "--purge", "nginx-", "a b", "a=1", ""])
    func `the name of a package cannot be an option`(_ name: String) throws {
        let bench = try Bench(dpkg: "")
        let field = DesiredField(key: FieldKey(.package, name), expectation: .present, spec: .package(.present))
        #expect(bench.apply("a", [field])?.error?.contains("is no name of a package") == true)
    }

    @Test func `a job for another server is refused`() throws {
        let bench = try Bench()
        let end = bench.apply("a", [.file("/a", "x")], to: "server2")
        #expect(end?.error == "this job is for server2, and this is the agent of server1")
        #expect(Disk.names(bench.root) == [])
    }
}
