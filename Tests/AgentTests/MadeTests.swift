// What this agent says that it made, and takes away again: only what it did make.

import Agent
import Glibc
import Model
import TestRedis
import Testing

@Suite struct MadeTests {
    static let file = FieldKey(.file, "/a")

    @Test func `a file that could not be written is not this agent's when a person writes it`() throws {
        let bench = try Bench()
        // A folder at the place of the temporary file: nothing can be written beside the target.
        Disk.makeFolders(bench.root + "/.redops-\(Digest.sha256(Array("/a".utf8)).prefix(16)).tmp")
        bench.assign(["a": [.file("/a", "ours")]])
        #expect(bench.apply("a", [.file("/a", "ours")])?.error?.contains("cannot write in") == true)
        #expect(bench.made.isEmpty)
        Disk.write("a person's", to: bench.root + "/a")
        #expect(bench.remove("a", [Self.file])?.gone == true)
        #expect(Disk.text(bench.root + "/a") == "a person's")
    }

    @Test(.enabled(if: FileSafetyTests.canMount, "mounting a small tmpfs needs root"))
    func `a folder that could not be made is not this agent's when a person makes it`() throws {
        let bench = try Bench()
        Disk.makeFolders(bench.root + "/disk")
        let disk = bench.root + "/disk"
        #expect(mount("none", disk, "tmpfs", UInt(MS_RDONLY), "size=64k") == 0)
        defer { umount2(disk, Int32(MNT_DETACH)) }
        bench.assign(["a": [.directory("/disk/d")]])
        #expect(bench.apply("a", [.directory("/disk/d")])?.error?.contains("Read-only file system") == true)
        #expect(bench.made.isEmpty)
        #expect(mount("none", disk, "tmpfs", UInt(MS_REMOUNT), "size=64k") == 0)
        mkdir(disk + "/d", 0o755)
        #expect(bench.remove("a", [FieldKey(.directory, "/disk/d")])?.gone == true)
        #expect(Disk.exists(disk + "/d"))
    }

    @Test func `a package that could not be installed is not this agent's when a person installs it`() throws {
        let bench = try Bench(dpkg: "")
        let nginx = DesiredField(key: FieldKey(.package, "nginx"), expectation: .present, spec: .package(.present))
        bench.assign(["a": [nginx]])
        // This root has no apt-get.
        #expect(bench.apply("a", [nginx])?.error?.contains("apt-get") == true)
        #expect(bench.made.isEmpty)
        Disk.write("Package: nginx\nStatus: install ok installed\nVersion: 1\n", to: bench.root + Bench.dpkgStatus)
        let end = bench.remove("a", [nginx.key])
        #expect(end?.gone == true)
        #expect(end?.output.hasPrefix("kept package nginx: this agent did not install it") == true)
    }

    @Test func `a folder that left the manifest before what is in it goes with the instance`() throws {
        let bench = try Bench()
        let (folder, file) = (DesiredField.directory("/d"), DesiredField.file("/d/f", "x"))
        bench.assign(["a": [file]])
        #expect(bench.apply("a", [folder, file])?.result == .done)
        #expect(bench.remove("a", [folder.key], all: false)?.output == "kept /d: there is something in it")
        #expect(bench.remove("a", [file.key])?.gone == true)
        #expect(Disk.names(bench.root) == [])
        #expect(bench.made.isEmpty)
    }

    @Test func `a folder above the files of two goes with the second`() throws {
        let bench = try Bench()
        let (one, other) = (DesiredField.file("/srv/s/a", "x"), DesiredField.file("/srv/s/b", "x"))
        bench.assign(["a": [one], "b": [other]])
        #expect(bench.apply("a", [one])?.result == .done)
        #expect(bench.apply("b", [other])?.result == .done)
        #expect(bench.remove("a", [one.key])?.gone == true)
        #expect(Disk.names(bench.root + "/srv/s") == ["b"])
        #expect(bench.remove("b", [other.key])?.gone == true)
        #expect(Disk.names(bench.root) == [])
        #expect(bench.made.isEmpty)
    }

    @Test func `a folder above a file stays for an instance that is asked to have it`() throws {
        let bench = try Bench()
        let (file, folder) = (DesiredField.file("/srv/a", "x"), DesiredField.directory("/srv"))
        bench.assign(["a": [file], "b": [folder]])
        #expect(bench.apply("a", [file])?.result == .done)
        #expect(bench.apply("b", [folder])?.result == .done)
        #expect(bench.remove("a", [file.key])?.gone == true)
        #expect(Disk.names(bench.root) == ["srv"])
        #expect(bench.remove("b", [folder.key])?.gone == true)
        #expect(Disk.names(bench.root) == [])
    }
}
