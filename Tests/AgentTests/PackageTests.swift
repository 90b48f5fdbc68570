// Packages: what dpkg's file says. Installing for real is a matter of the demo.

import Agent
import Glibc
import Model
import TestRedis
import Testing

@Suite struct PackageTests {
    private static let status = """
        Package: nginx
        Status: install ok installed
        Architecture: amd64
        Version: 1.22.1-9+deb12u10
        Description: small
         Version: 9 in a continuation line is no field

        Package: half
        Status: install ok half-configured
        Version: 1

        Package: gone
        Status: deinstall ok config-files
        Version: 2

        Package: held
        Version: 3:4.5
        Status: hold ok installed

        """

    @Test func `only what is fully installed counts, with its version`() {
        let installed = DpkgStatus.parse(Array(Self.status.utf8))
        let nginx = "1.22.1-9+deb12u10"
        #expect(installed.versions == ["nginx": nginx, "held": "3:4.5"])
        #expect(installed.version(of: "nginx:amd64") == nginx)
    }

    @Test func `a package of another architecture has its name with it, and a bare name is the system's own`() {
        let stanzas = [
            ("libfoo", "i386", "1"), ("libfoo", "amd64", "2"), ("libbar", "i386", "3"), ("docs", "all", "4"),
            ("dpkg", "amd64", "5"),
        ].map { "Package: \($0)\nStatus: install ok installed\nArchitecture: \($1)\nVersion: \($2)\n" }
        for text in [stanzas.joined(separator: "\n"), stanzas.reversed().joined(separator: "\n")] {
            let installed = DpkgStatus.parse(Array(text.utf8))
            #expect(
                installed.versions == [
                    "libfoo:i386": "1", "libfoo": "2", "libbar:i386": "3", "docs": "4", "dpkg": "5",
                ])
            for (name, version) in [
                ("libfoo:i386", "1"), ("libfoo:amd64", "2"), ("libfoo", "2"), ("libbar:i386", "3"), ("libbar", nil),
                ("libbar:amd64", nil), ("docs:all", "4"), ("docs:amd64", "4"), ("dpkg", "5"),
            ] {
                #expect(installed.version(of: name) == version)
            }
        }
    }

    @Test func `a root with a dpkg of its own is asked itself, and a change of its file is seen`() async throws {
        let stage = try await Stage()
        Disk.makeFolders(stage.root + "/var/lib/dpkg")
        Disk.write(Self.status, to: stage.root + "/var/lib/dpkg/status")
        let key = FieldKey(.package, "nginx")
        stage.desire([
            DesiredField(key: key, expectation: .present, spec: .package(.present)),
            DesiredField(
                key: FieldKey(.package, "held"), expectation: .startsWith("3:"), spec: .package(.version("3:*"))),
            DesiredField(
                key: FieldKey(.package, "gone"), expectation: .exactly("absent"), spec: .package(.absent)),
        ])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            #expect(try await stage.observed[key] == "1.22.1-9+deb12u10")
        }
    }

    @Test func `installing may remove nothing, and a removal is asked about first`() {
        #expect(
            AptArguments.install("nginx", version: nil) == [
                "install", "--no-install-recommends", "--no-remove", "nginx",
            ])
        #expect(
            AptArguments.install("nginx", version: "1.22*") == [
                "install", "--no-install-recommends", "--no-remove", "--allow-downgrades", "nginx=1.22*",
            ])
        #expect(AptArguments.simulateRemove("nginx") == ["-s", "-qq", "remove", "nginx"])
        #expect(AptArguments.remove("nginx") == ["remove", "nginx"])
        #expect(
            AptArguments.options == [
                "-y", "-q", "-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Use-Pty=0", "-o",
                "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold",
            ])
    }

    /// As apt 2.6.1 answers `apt-get -s -qq remove nginx`, and some more.
    private static let answer = """
        Remv nginx-light [1.22.1-9+deb12u10]
        Remv libnginx-mod-http-echo [1:0.63-4] [nginx:amd64 ]
        Remv nginx [1.22.1-9+deb12u10]
        Purg old:i386 [1.0]
        Inst other (2.0 Debian [amd64])
        Removing is a word too

        """

    @Test(
        arguments: [
            ("nginx", ["nginx-light", "libnginx-mod-http-echo", "old:i386"]),
            ("nginx:amd64", ["nginx-light", "libnginx-mod-http-echo", "old:i386"]),
            ("old:i386", ["nginx-light", "libnginx-mod-http-echo", "nginx"]),
        ])
    func `what would go with a package is what apt says beyond it`(_ name: String, _ others: [String]) {
        #expect(AptArguments.goesWith(name, in: Self.answer) == others)
        #expect(AptArguments.goesWith("zip", in: "Remv zip [3.0-13]\n") == [])
    }

    @Test func `only packages that the instance gives up and nobody else wants may go along`() {
        func package(_ name: String, _ spec: PackageSpec) -> DesiredField {
            DesiredField(key: FieldKey(.package, name), expectation: .present, spec: .package(spec))
        }
        let own = InstanceID(app: "a", server: "server1")
        let other = InstanceID(app: "b", server: "server1")
        let table = ObservedTable()
        _ = table.assign(
            [
                Assignment(
                    id: own, generation: 1, digest: "d", fields: [package("kept", .present), package("no", .absent)]),
                Assignment(
                    id: other, generation: 1, digest: "d",
                    fields: [package("theirs", .present), package("no", .absent)]),
            ], confirmed: true)
        let made = ["kept", "theirs", "left"].map { FieldKey(.package, $0) }
        #expect(table.packagesToGo(of: own, made: made, isRemoval: false) == ["no", "left"])
        #expect(table.packagesToGo(of: own, made: made, isRemoval: true) == ["kept", "left"])
    }

    private static let policy = "/usr/sbin/policy-rc.d"
    private static let policyText = "#!/bin/sh\n# redops: nothing is started while a package is installed\nexit 101\n"

    @Test(arguments: [true, false])
    func `a policy that a crash left behind is taken away at the start, and no other`(_ isOurs: Bool) async throws {
        let stage = try await Stage()
        for path in ["/var/lib/dpkg", "/run", "/usr/sbin"] { Disk.makeFolders(stage.root + path) }
        Disk.write(Self.status, to: stage.root + Bench.dpkgStatus)
        Disk.write(isOurs ? Self.policyText : "exit 101\n", to: stage.root + Self.policy)
        stage.desire([])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            #expect(Disk.exists(stage.root + Self.policy) != isOurs)
        }
    }

    @Test func `a package that somebody takes away is missed at once, not at the next sweep`() async throws {
        let stage = try await Stage()
        Disk.makeFolders(stage.root + "/var/lib/dpkg")
        Disk.write(Self.status, to: stage.root + Bench.dpkgStatus)
        let nginx = FieldKey(.package, "nginx")
        stage.desire([DesiredField(key: nginx, expectation: .present, spec: .package(.present))])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            // As dpkg writes it: beside it, then in its place. In this root is no apt-get that could bring it back.
            Disk.write("", to: stage.root + Bench.dpkgStatus + "-new")
            rename(stage.root + Bench.dpkgStatus + "-new", stage.root + Bench.dpkgStatus)
            #expect(try await stage.sees(nginx, FieldValue.absent))
        }
    }

    @Test(arguments: [true, false])
    func `when an install that went on without its agent has ended, its policy is taken away`(
        _ isAwaited: Bool
    ) async throws {
        let bench = try Bench(dpkg: Self.status)
        Disk.write(Self.policyText, to: bench.root + Self.policy)
        let nginx = DesiredField(key: FieldKey(.package, "nginx"), expectation: .present, spec: .package(.present))
        let left = try #require(Disk.start(["/bin/sleep", isAwaited ? "0.2" : "1000"]))
        if !isAwaited {
            kill(left.pid, SIGKILL)
            #expect(await eventually { !ProcessTable.runs(left) })
        }
        try bench.machine.ledger.append([.begun(job: bench.nextJob, step: 0), .process(job: bench.nextJob, left)])
        #expect(bench.apply("a", [nginx])?.result == .done)
        #expect(!ProcessTable.runs(left))
        #expect(!Disk.exists(bench.root + Self.policy))
    }

    @Test func `a policy stays as long as the install runs that it is for`() async throws {
        let stage = try await Stage()
        for path in ["/var/lib/dpkg", "/run", "/usr/sbin"] { Disk.makeFolders(stage.root + path) }
        Disk.write(Self.status, to: stage.root + Bench.dpkgStatus)
        Disk.write(Self.policyText, to: stage.root + Self.policy)
        let left = try #require(Disk.start(["/bin/sleep", "1000"]))
        defer { kill(left.pid, SIGKILL) }
        Disk.makeFolders(stage.state)
        try Ledger(path: stage.state + "/journal").append([.begun(job: "j", step: 0), .process(job: "j", left)])
        stage.desire([])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            #expect(Disk.exists(stage.root + Self.policy))
        }
    }

    @Test func `a root without a dpkg of its own removes no package of its host`() throws {
        let bench = try Bench()
        let name = FieldKey(.package, "redops-no-such-package")
        try bench.machine.ledger.append([.made(Bench.id("a"), name, .step)])
        let end = bench.remove("a", [name])
        #expect(end?.gone == true)
        #expect(end?.output == "kept package \(name.name): \(bench.root) shares the packages of its host")
        #expect(bench.made.isEmpty)
    }

    @Test(.enabled(if: Disk.exists(Bench.dpkgStatus), "this is no Debian system"))
    func `a package of the host that should be absent is not removed from a root inside of it`() throws {
        let bench = try Bench()
        // One that apt-get itself would never remove.
        let dpkg = DesiredField(
            key: FieldKey(.package, "dpkg"), expectation: .exactly(FieldValue.absent), spec: .package(.absent))
        #expect(bench.apply("a", [dpkg])?.error?.contains("shares the packages of its host") == true)
    }
}
