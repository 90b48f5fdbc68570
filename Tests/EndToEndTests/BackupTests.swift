// manifests/backup with a real nginx and a real MariaDB: what was backed up comes back.

import Glibc
import JSON
import TestRedis
import Testing

@Suite(.timeLimit(.minutes(3))) struct BackupTests {
    private static let server = "shop1"
    private static let backups = "/var/backups/shop"

    @Test func `a shop that lost its data gets it back from its backup, made when asked for or by its Schedule`()
        async throws
    {
        try await TestFleet.with(controllers: 1, servers: [Self.server]) { fleet in
            let manifests = try await Self.bringUp(fleet)
            try await Self.sql(fleet, "INSERT INTO shop.orders (item) VALUES ('tea')")
            try fleet.write(fleet.root(Self.server) + "/srv/shop/www/photo.txt", "a photo\n")
            for day in 1...8 {
                for name in ["db-2020010\(day)T023000Z.sql", "www-2020010\(day)T023000Z.tar.gz"] {
                    try fleet.write(fleet.root(Self.server) + "\(Self.backups)/\(name)", "old\n")
                }
            }
            let asked = try await fleet.opsapply("run", "shop/backup")
            #expect(asked.code == 0, "\(asked)\n\(fleet.logs)")
            for name in ["db-*.sql", "www-*.tar.gz"] { try await Self.expectSevenKept(fleet, name) }
            #expect(fleet.text(Self.server, Self.backups + "/newest.sql").contains("'tea'"))
            #expect(try await fleet.opsapply("run", "schedule/check-database").output.contains("shop.orders"))

            try await Self.sql(fleet, "INSERT INTO shop.orders (item) VALUES ('cake')")
            let scheduled = try await fleet.opsapply("run", "schedule/nightly-backup")
            #expect(scheduled.code == 0, "\(scheduled)\n\(fleet.logs)")

            try await Self.sql(fleet, "DROP DATABASE shop")
            #expect(removeFolder(fleet.root(Self.server) + "/srv/shop/www"))
            // What is declared comes back by itself.
            let isBack = await eventually(within: .seconds(15)) {
                fleet.exists(Self.server, "/srv/shop/www/index.html")
            }
            #expect(isBack && !fleet.exists(Self.server, "/srv/shop/www/photo.txt"), "\(fleet.logs)")
            let restored = try await fleet.opsapply("run", "shop/restore")
            #expect(restored.code == 0, "\(restored)\n\(fleet.logs)")
            #expect(try await Self.sql(fleet, "SELECT item FROM shop.orders ORDER BY id") == "tea\ncake\n")
            #expect(fleet.text(Self.server, "/srv/shop/www/photo.txt") == "a photo\n")

            try await Self.sql(fleet, "INSERT INTO shop.orders (item) VALUES ('jam')")
            try await Self.expectFire(fleet, manifests)
            let ready = try await fleet.opsapply("wait", "app/shop", "--timeout", "30s")
            #expect(ready.code == 0, "\(ready)\n\(fleet.logs)")
        }
    }

    /// Applies a copy of the manifests with an address that no other test has; returns the copy's folder.
    private static func bringUp(_ fleet: TestFleet) async throws -> String {
        let folder = "\(fleet.folder)/backup"
        let copied = try await Programs.run(
            ["cp", "-r", Programs.sources + "/manifests/backup", folder], folder: fleet.folder)
        try #require(copied.code == 0, "\(copied)")
        let address = "127.\(Int.random(in: 1...250)).\(Int.random(in: 1...250)).\(Int.random(in: 2...250))"
        try replace("127.0.0.1", by: address, in: "\(folder)/servers.json", fleet)
        let applied = try await fleet.opsapply("apply", folder, "--wait", "--timeout", "80s")
        try #require(applied.code == 0, "\(applied)\n\(fleet.logs)")
        return folder
    }

    /// By the clock too, each second for once.
    private static func expectFire(_ fleet: TestFleet, _ manifests: String) async throws {
        let schedules = manifests + "/schedules.json"
        try replace("30 2 * * *", by: "* * * * * *", in: schedules, fleet)
        try replace(#""jitter": "10m""#, by: #""jitter": "0s""#, in: schedules, fleet)
        let applied = try await fleet.opsapply("apply", schedules)
        #expect(applied.code == 0, "\(applied)")
        let hasFired = await eventually(within: .seconds(30)) {
            fleet.text(server, backups + "/newest.sql").contains("'jam'")
        }
        #expect(hasFired, "\(fleet.logs)")
        let jobs = try await fleet.document("jobs")["runs"]?.array ?? []
        #expect(jobs.contains { $0["origin"]?.string == "Schedule/nightly-backup" }, "\(jobs)")
        #expect(try await fleet.opsapply("delete", "schedule/nightly-backup", "--yes").code == 0)
    }

    /// The newest seven are there, the oldest two of nine are not.
    private static func expectSevenKept(_ fleet: TestFleet, _ pattern: String) async throws {
        let found = try await Programs.run(
            ["find", fleet.root(server) + backups, "-name", pattern, "-printf", "%f\\n"], folder: fleet.folder)
        let names = found.output.split(separator: "\n").sorted()
        #expect(names.count == 7 && names.first?.contains("20200103T") == true, "\(names)")
        #expect(names.last?.contains("2020010") == false, "\(names)")
    }

    @discardableResult private static func sql(_ fleet: TestFleet, _ statement: String) async throws -> String {
        let outcome = try await Programs.run(
            ["mariadb", "--defaults-file=\(fleet.root(server))/etc/shop/mariadb.cnf", "-N", "-e", statement],
            folder: fleet.folder)
        #expect(outcome.code == 0, "\(statement): \(outcome)\n\(fleet.logs)")
        return outcome.output
    }

    private static func replace(_ old: String, by new: String, in path: String, _ fleet: TestFleet) throws {
        let parts = readText(path).split(separator: old, omittingEmptySubsequences: false)
        try #require(parts.count == 2, "\(path) has \(old) once")
        try fleet.write(path, parts.joined(separator: new))
    }
}
