// Files under attack and on disks that are full: nothing outside of the root, nothing by halves.

import Agent
import Glibc
import Model
import Store
import TestRedis
import Testing

@Suite struct FileSafetyTests {
    @Test(
        arguments: [
            DesiredField.file("/absolute/a", "a"), .file("/relative/a", "a"), .directory("/absolute/d"),
            .directory("/relative/d"),
        ])
    func `a link to a folder outside leads nowhere`(_ field: DesiredField) throws {
        let bench = try Bench()
        let outside = bench.folder.path + "/outside"
        Disk.makeFolders(outside)
        symlink(outside, bench.root + "/absolute")
        symlink("../outside", bench.root + "/relative")
        // An absolute link is one inside of the root, where its target does not exist: nothing can be made there.
        #expect(bench.apply("a", [field])?.error?.contains("No such file or directory") == true)
        #expect(Disk.names(outside) == [])
    }

    @Test func `a link to the root folder of the machine is one to the agent's own`() throws {
        let bench = try Bench()
        symlink("/", bench.root + "/rootlink")
        #expect(bench.apply("a", [.file("/rootlink/inside", "a")])?.result == .done)
        #expect(Disk.names(bench.root) == ["inside", "rootlink"])
    }

    @Test func `a link inside the root is followed inside the root`() async throws {
        let stage = try await Stage()
        Disk.makeFolders(stage.root + "/run")
        Disk.makeFolders(stage.root + "/var")
        symlink("/run", stage.root + "/var/run")
        stage.desire([.file("/var/run/a", "a")])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            #expect(Disk.text(stage.root + "/run/a") == "a")
        }
    }

    @Test func `a link at the place of a file is replaced and its target is not touched`() async throws {
        let stage = try await Stage()
        Disk.write("secret\n", to: stage.folder.path + "/secret")
        symlink(stage.folder.path + "/secret", stage.root + "/a")
        stage.desire([.file("/a", "ours\n")])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            #expect(Disk.text(stage.root + "/a") == "ours\n")
            #expect(Disk.text(stage.folder.path + "/secret") == "secret\n")
        }
    }

    @Test func `a leftover of an interrupted write, and one that was planted, are taken away`() async throws {
        let stage = try await Stage()
        stage.desire([.file("/a", "one\n")])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            let name = ".redops-\(Digest.sha256(Array("/a".utf8)).prefix(16)).tmp"
            symlink(stage.folder.path + "/elsewhere", stage.root + "/" + name)
            stage.desire([.file("/a", "two\n")], generation: 2)
            #expect(try await stage.becomesReady())
            #expect(Disk.text(stage.root + "/a") == "two\n")
            #expect(Disk.names(stage.root) == ["a"])
            #expect(!Disk.exists(stage.folder.path + "/elsewhere"))
        }
    }

    @Test func `a folder at the place of a file is not removed, and the job says so`() async throws {
        let stage = try await Stage()
        Disk.makeFolders(stage.root + "/a")
        stage.desire([.file("/a", "x")])
        try await stage.withAgent { () async throws in
            let error = try await stage.failure()
            #expect(error?.contains("is a folder and should be a file: move it away") == true)
            #expect(Disk.exists(stage.root + "/a"))
        }
    }

    /// Whether this machine lets tests mount a file system of their own.
    static let canMount: Bool = {
        let folder = Folder()
        guard mount("none", folder.path, "tmpfs", 0, "size=64k") == 0 else { return false }
        umount2(folder.path, Int32(MNT_DETACH))
        return true
    }()

    @Test(.enabled(if: canMount, "mounting a small tmpfs needs root"))
    func `a full disk leaves the old file whole, and no other behind`() async throws {
        let stage = try await Stage()
        let disk = stage.root + "/small"
        Disk.makeFolders(disk)
        #expect(mount("none", disk, "tmpfs", 0, "size=64k") == 0)
        defer { umount2(disk, Int32(MNT_DETACH)) }
        stage.desire([.file("/small/a", "old\n")])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            stage.desire([.file("/small/a", String(repeating: "x", count: 200_000))], generation: 2)
            let error = try await stage.failure()
            #expect(error?.contains("No space left on device: nothing was changed; make room") == true)
            #expect(Disk.text(disk + "/a") == "old\n")
            #expect(Disk.names(disk) == ["a"])
            // With room, the next attempt does it.
            #expect(mount("none", disk, "tmpfs", UInt(MS_REMOUNT), "size=1m") == 0)
            #expect(try await stage.becomesReady())
        }
    }

    @Test(.enabled(if: canMount, "mounting a small tmpfs needs root"))
    func `a folder that has become a mount point is kept, and all else goes`() async throws {
        let stage = try await Stage()
        stage.desire([.directory("/data"), .file("/a", "a")])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            #expect(mount("none", stage.root + "/data", "tmpfs", 0, "size=64k") == 0)
            defer { umount2(stage.root + "/data", Int32(MNT_DETACH)) }
            stage.desireNothing()
            #expect(try await stage.settle { try await stage.store.instance(stage.id).control == nil })
            let job = try await stage.store.jobs(server: "server1", limit: 10).first { $0.job.plan.isRemoval }
            #expect(job?.output == "kept /data: it is a mount point")
            #expect(Disk.names(stage.root) == ["data"])
        }
    }

    @Test func `a file with a wrong mode or content of the same size is seen`() async throws {
        let stage = try await Stage()
        stage.desire([.file("/a", "aaaa")])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            chmod(stage.root + "/a", 0o600)
            #expect(try await stage.settle { Disk.mode(stage.root + "/a") == 0o644 })
            for text in ["bbbb", "cccc", "dddd"] {
                Disk.write(text, to: stage.root + "/a")
                #expect(try await stage.settle { Disk.text(stage.root + "/a") == "aaaa" })
            }
        }
    }
}
