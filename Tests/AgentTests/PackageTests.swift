// Packages: what dpkg's file says. Installing for real is a matter of the demo.

import Agent
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
        let versions = DpkgStatus.parse(Array(Self.status.utf8))
        let nginx = "1.22.1-9+deb12u10"
        #expect(versions == ["nginx": nginx, "nginx:amd64": nginx, "held": "3:4.5"])
    }

    @Test func `a package of another architecture has its name with it, and a bare name is the system's own`() {
        let stanzas = [
            ("libfoo", "i386", "1"), ("libfoo", "amd64", "2"), ("libbar", "i386", "3"), ("docs", "all", "4"),
            ("dpkg", "amd64", "5"),
        ].map { "Package: \($0)\nStatus: install ok installed\nArchitecture: \($1)\nVersion: \($2)\n" }
        for text in [stanzas.joined(separator: "\n"), stanzas.reversed().joined(separator: "\n")] {
            #expect(
                DpkgStatus.parse(Array(text.utf8)) == [
                    "libfoo:i386": "1", "libfoo:amd64": "2", "libfoo": "2", "libbar:i386": "3", "docs:all": "4",
                    "docs": "4", "dpkg:amd64": "5", "dpkg": "5",
                ])
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
}
