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
        #expect(versions == ["nginx": "1.22.1-9+deb12u10", "held": "3:4.5"])
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
