// What opsapply answers to what it cannot do: an exit code that scripts can rely on, and one clear line.

import Glibc
import JSON
import TestRedis
import Testing

@Suite(.timeLimit(.minutes(3))) struct CommandLineTests {
    private func run(_ arguments: [String], redis: String = "unix:///nonexistent/redis.sock") async throws -> Outcome {
        let folder = try makeFolder()
        defer { _ = removeFolder(folder) }
        return try await Programs.run(
            [Programs.path("opsapply")] + arguments, environment: ["OPS_REDIS_URL": redis], folder: folder)
    }

    @Test func `--version prints one line and ends well`() async throws {
        for program in ["opsapply", "opscontroller", "opsagent"] {
            let folder = try makeFolder()
            defer { _ = removeFolder(folder) }
            let outcome = try await Programs.run([Programs.path(program), "--version"], folder: folder)
            #expect(outcome.code == 0 && outcome.output.split(separator: "\n").count == 1, "\(program): \(outcome)")
        }
    }

    @Test(arguments: [
        ["--nonsense"], ["frobnicate", "--all"], ["wait"], ["get", "unicorns"], ["leader", "-o", "xml"],
    ])
    func `Wrong usage is exit code 64`(_ arguments: [String]) async throws {
        let outcome = try await run(arguments)
        #expect(outcome.code == 64, "\(outcome)")
        #expect(!outcome.errors.isEmpty && outcome.output.isEmpty, "\(outcome)")
    }

    @Test(arguments: [["get", "apps"], ["leader"], ["drift"], ["jobs"], ["events"]])
    func `Without a Redis there is one line, that names it, and exit code 1`(_ arguments: [String]) async throws {
        let outcome = try await run(arguments)
        #expect(outcome.code == 1, "\(outcome)")
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome)")
        #expect(outcome.errors.contains("/nonexistent/redis.sock"), "\(outcome)")
        #expect(outcome.output.isEmpty, "\(outcome)")
    }

    @Test(arguments: [
        "redis//127.0.0.1", "http://127.0.0.1", "redis://127.0.0.1:notaport", "", "redis:u:hunter2@h",
        "redis://:x/hunter2@h", "rediss://u:hunter2@h",
    ])
    func `A Redis address that is none ends every program at once, and no password is shown`(
        _ url: String
    ) async throws {
        for program in [["opsapply", "get", "apps"], ["opscontroller"], ["opsagent", "--server", "server1"]] {
            let folder = try makeFolder()
            defer { _ = removeFolder(folder) }
            let outcome = try await Programs.run(
                [Programs.path(program[0])] + program.dropFirst() + ["--redis", url], folder: folder,
                within: .seconds(10))
            #expect(outcome.code == 64, "\(program): \(outcome)")
            let lines = outcome.errors.split(separator: "\n")
            #expect(lines.count <= 3 && lines.first?.contains("--redis is a bad Redis URL: ") == true, "\(outcome)")
            #expect(!"\(outcome)".contains("hunter2"), "\(outcome)")
        }
    }

    @Test func `Every error of a run is said at once, with file, line and column, and nothing is written`() async throws
    {
        try await PrivateRedis.with { redis in
            let folder = try makeFolder()
            defer { _ = removeFolder(folder) }
            let path = "\(folder)/bad.json"
            let file = try #require(fopen(path, "w"))
            fputs(
                """
                [ { "apiVersion": "ops/v1", "kind": "Server", "metadata": { "name": "server1" },
                    "spec": { "adress": "127.0.0.1" } },
                  { "apiVersion": "ops/v1", "kind": "App", "metadata": { "name": "site" },
                    "spec": { "placement": { "servers": ["server1"] },
                              "files": { "../etc/passwd": { "content": "x" } } } } ]
                """, file)
            fclose(file)
            for command in ["validate", "apply"] {
                let outcome = try await run([command, path], redis: redis.url)
                #expect(outcome.code == 1, "\(outcome)")
                #expect(outcome.errors.hasPrefix("\(path):2:"), "a place at the start of the line: \(outcome)")
                #expect(outcome.errors.contains("address"), "the nearest known name is named: \(outcome)")
                #expect(outcome.errors.contains("\n\(path):5:"), "all errors at once: \(outcome)")
            }
            let keys = try await Programs.run(
                ["redis-cli", "-s", redis.socketPath, "--raw", "KEYS", "*desired*"], folder: folder)
            #expect(keys.output.split(separator: "\n").isEmpty, "nothing was written: \(keys)")
        }
    }

    @Test(arguments: ["/nonexistent/manifests", "/dev/null"])
    func `A manifest that is not there or empty is one line and exit code 1`(_ path: String) async throws {
        let outcome = try await run(["validate", path])
        #expect(outcome.code == 1, "\(outcome)")
        #expect(outcome.errors.contains(path), "\(outcome)")
    }

    @Test(arguments: ["BAD/Name x", "", "Server1", "a:b"])
    func `opsagent takes no name that no Server can have`(_ name: String) async throws {
        let folder = try makeFolder()
        defer { _ = removeFolder(folder) }
        let outcome = try await Programs.run(
            [Programs.path("opsagent"), "--server", name, "--root", folder], folder: folder, within: .seconds(10))
        #expect(outcome.code == 64 && outcome.errors.contains("--server must name a Server"), "\(outcome)")
    }

    @Test func `opscontroller reads no list that cannot be an inbox`() async throws {
        let cluster = "redis+cluster://127.0.0.1:1"
        let lists = Array(repeating: ["--inbox", "x"], count: 9).flatMap(\.self)
        for (arguments, reason) in [
            (["--redis", cluster, "--inbox", "jobs"], "put {ctl} into its name"), (["--inbox", ""], "1 to 256 bytes"),
            (["--inbox", "a\nb"], "without control characters"), (["--inbox", "ops:{s01}:servers"], "our own keys"),
            (lists, "at most 8 lists"),
        ] {
            let folder = try makeFolder()
            defer { _ = removeFolder(folder) }
            let outcome = try await Programs.run(
                [Programs.path("opscontroller")] + arguments, folder: folder, within: .seconds(10))
            #expect(outcome.code == 64 && outcome.errors.contains(reason), "\(outcome)")
        }
    }

    @Test func `An agent that no Server is declared for is named beside the list of servers`() async throws {
        try await TestFleet.with(controllers: 0, servers: ["server1", "sevrer2"]) { fleet in
            let servers = try fleet.manifest("servers.json", Manifests.servers(["server1", "server2"]))
            #expect(try await fleet.opsapply("apply", servers).code == 0)
            let said = "opsapply: reports, but no Server is declared: sevrer2\n"
            let isSaid = try await eventually(within: .seconds(15)) {
                try await fleet.opsapply("get", "servers").errors == said
            }
            #expect(isSaid, "\(fleet.logs)")
            #expect(try await fleet.opsapply("get", "apps").errors.isEmpty)
        }
    }

    @Test func `A path that cannot be read hides no error of another file, and no Redis is asked for before`()
        async throws
    {
        let folder = try makeFolder()
        defer { _ = removeFolder(folder) }
        let bad = "\(folder)/bad.json"
        try write("{", to: bad)
        for command in ["validate", "plan", "apply"] {
            let outcome = try await run([command, "\(folder)/none.json", bad, folder + "/none"])
            #expect(outcome.code == 1, "\(outcome)")
            let lines = outcome.errors.split(separator: "\n")
            #expect(lines.first == "\(folder)/none.json: no such file; check the path", "\(outcome)")
            #expect(lines.dropFirst().first?.hasPrefix("\(bad):1:1: not valid JSON") == true, "\(outcome)")
            #expect(lines.last == "\(folder)/none: no such file; check the path", "\(outcome)")
        }
    }

    @Test func `A warning begins with its place`() async throws {
        let folder = try makeFolder()
        defer { _ = removeFolder(folder) }
        let path = "\(folder)/site.json"
        try write(Manifests.site(), to: path)
        let outcome = try await run(["validate", path])
        #expect(outcome.code == 0 && outcome.errors.hasPrefix("\(path):"), "\(outcome)")
        #expect(outcome.errors.contains(": warning: spec.placement"), "\(outcome)")
    }

    @Test func `A misspelt command is told the nearest, and opsapply alone prints what there is`() async throws {
        let outcome = try await run(["valdiate", "x.json"])
        #expect(outcome.code == 1, "\(outcome)")
        #expect(outcome.errors.hasPrefix("valdiate: no such file; did you mean the command validate?\n"), "\(outcome)")
        let alone = try await run([])
        #expect(alone.code == 0 && alone.errors.isEmpty && alone.output.contains("SUBCOMMANDS"), "\(alone)")
    }

    @Test func `An option that does nothing in a command is none of that command`() async throws {
        #expect(try await run(["get", "apps", "--log-level", "debug"]).code == 64)
        #expect(try await run(["up", "--help"]).output.contains("--log-level"))
    }

    private func write(_ text: String, to path: String) throws {
        let file = try #require(fopen(path, "w"))
        fputs(text, file)
        fclose(file)
    }

    @Test func `wait that is not fulfilled in time is exit code 3`() async throws {
        try await TestFleet.with(controllers: 0, servers: []) { fleet in
            let servers = try fleet.manifest("servers.json", Manifests.servers(["server1"]))
            let site = try fleet.manifest("site.json", Manifests.site())
            #expect(try await fleet.opsapply("apply", servers, site).code == 0)
            let outcome = try await fleet.opsapply("wait", "app/site", "--for", "Ready", "--timeout", "300ms")
            #expect(outcome.code == 3, "\(outcome)")
        }
    }

    @Test func `What validate and wait found is one JSON document too`() async throws {
        try await TestFleet.with(controllers: 0, servers: []) { fleet in
            let servers = try fleet.manifest("servers.json", Manifests.servers(["server1"]))
            let bad = try fleet.manifest(
                "bad.json", Manifests.servers(["server1"]).replacing("\"address\"", with: "\"adress\""))
            let valid = try await fleet.document("validate", servers)
            #expect(valid["valid"] == true && valid["resources"]?[0] == "Server/server1")
            let invalid = try await fleet.opsapply("validate", bad, "-o", "json")
            let errors = try JSONValue.parse(invalid.output)["errors"]
            #expect(invalid.code == 1 && invalid.errors.isEmpty, "\(invalid)")
            #expect(errors?[0]?["line"]?.int != nil && errors?[0]?["message"]?.string != nil, "\(invalid)")
            #expect(try await fleet.opsapply("apply", servers).code == 0)
            let wait = try await fleet.opsapply("wait", "server/server1", "--timeout", "200ms", "-o", "json")
            let resource = try JSONValue.parse(wait.output)["resources"]?[0]
            #expect(wait.code == 3 && resource?["met"] == false, "\(wait)")
        }
    }

    @Test func `The manifests of this house are valid`() async throws {
        let root = Programs.sources
        for folder in ["demo", "shop"] {
            let outcome = try await run(["validate", "\(root)/manifests/\(folder)"])
            #expect(outcome.code == 0, "\(outcome)")
        }
    }
}
