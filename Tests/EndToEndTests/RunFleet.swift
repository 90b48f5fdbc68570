// What the tests of runs share: a fleet whose servers are declared, with agents and without controllers, which no run needs.

import Glibc
import JSON
import TestRedis
import Testing

enum RunFleet {
    /// Declares `servers`, each with its labels beside `role=web`; agents are started for all of them but `without`.
    static func with(
        _ servers: [String] = ["server1"], labels: [String: String] = [:], without: Set<String> = [],
        _ body: (TestFleet) async throws -> Void
    ) async throws {
        try await TestFleet.with(controllers: 0, servers: servers.filter { !without.contains($0) }) { fleet in
            let declared = servers.enumerated().map { index, name in
                """
                { "apiVersion": "ops/v1", "kind": "Server",
                  "metadata": { "name": "\(name)", "labels": { "role": "web"\(labels[name].map { ", \($0)" } ?? "") } },
                  "spec": { "address": "127.0.0.\(index + 1)" } }
                """
            }
            let manifest = try fleet.manifest("servers.json", "[\(declared.joined(separator: ",\n"))]")
            let applied = try await fleet.opsapply("apply", manifest)
            try #require(applied.code == 0, "\(applied)")
            try await body(fleet)
        }
    }
}

/// One job of a run, as `-o json` has it.
struct RunView: Sendable {
    var reference: String
    var state: String
    var server: String?
    var error: String?
    var output: String?
    /// In RFC 3339 and UTC, so that they are in order as texts.
    var enqueued: String
    var due: String?
    var begun: String?
    var ended: String?

    init?(_ document: JSONValue) {
        guard let reference = document["reference"]?.string, let state = document["state"]?.string,
            let enqueued = document["enqueuedAt"]?.string
        else { return nil }
        self.reference = reference
        self.state = state
        self.enqueued = enqueued
        server = document["server"]?.string
        error = document["error"]?.string
        output = document["output"]?.string
        due = document["dueAt"]?.string
        begun = document["claimedAt"]?.string
        ended = document["finishedAt"]?.string
    }

    static func all(in document: JSONValue) -> [RunView] { (document["runs"]?.array ?? []).compactMap(RunView.init) }
}

extension TestFleet {
    /// The jobs of runs, of all queues.
    func runs() async throws -> [RunView] { RunView.all(in: try await document("jobs", "--limit", "1000")) }

    func run(_ reference: String) async throws -> RunView? { try await runs().first { $0.reference == reference } }

    /// Whether a job comes to this state.
    func reaches(_ reference: String, _ state: String) async throws -> Bool {
        try await eventually(within: .seconds(30)) { try await run(reference)?.state == state }
    }

    /// The process whose id a command left in a file of its server's root; nil until it is there.
    func pid(in file: String, of server: String) -> pid_t? {
        pid_t(text(server, "/\(file)").split(separator: "\n").last ?? "")
    }

    /// Whether a process comes to its end. One that nobody has collected yet has ended too.
    func isGone(_ pid: pid_t) async -> Bool {
        await eventually(within: .seconds(10)) {
            let status = readText("/proc/\(pid)/stat")
            return status.isEmpty || status.split(separator: ")").last?.hasPrefix(" Z") == true
        }
    }
}
