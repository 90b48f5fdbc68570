// What agents report, over both stores.

import Model
import Store
import TestRedis
import Testing

@Suite(.privateRedis) struct ReportConformanceTests {
    @Test(arguments: StoreKind.allCases)
    func `a report that changes nothing is no new revision and no feed entry`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            #expect(try await store.report(report([page: "absent", port: "80"])) == 1)
            let end = try await store.feedEnd()
            let first = try #require(try await store.instance(webapp).observed?.reportedAt)
            try await bench.pass(.milliseconds(2))
            #expect(try await store.report(report([page: "absent"])) == 1)
            #expect(try await store.report(report([page: "absent", port: "80"], full: true)) == 1)
            #expect(try await store.report(report([FieldKey(.file, "/none"): nil])) == 1)
            #expect(try await store.feedEnd() == end)
            #expect(try await store.instance(webapp).observed?.reportedAt ?? first > first)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an agent is told how often its Server is to be reported, and when that changes`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            func apply(_ digest: String, every interval: Duration?) async throws {
                var draft = draft("server1", digest: digest)
                draft.key = ResourceKey(.server, "server1")
                draft.reportInterval = interval
                _ = try await store.apply(draft)
            }
            #expect(try await store.assignments(server: "server1").reportInterval == nil)
            try await apply("d1", every: .seconds(60))
            #expect(try await store.waitForWork(server: "server1", timeout: .seconds(5)))
            let first = try await store.assignments(server: "server1")
            #expect(first.reportInterval == .seconds(60))
            try await apply("d2", every: .seconds(60))
            #expect(try await store.assignments(server: "server1") == first)
            try await apply("d3", every: .milliseconds(500))
            let second = try await store.assignments(server: "server1")
            #expect(second.reportInterval == .milliseconds(500) && second.revision > first.revision)
            var app = draft("server1")
            app.reportInterval = .seconds(1)
            _ = try await store.apply(app)
            #expect(try await store.assignments(server: "server1") == second)
            _ = try await store.delete(ResourceKey(.server, "server1"), by: "bob", expectedGeneration: nil)
            let last = try await store.assignments(server: "server1")
            #expect(last.reportInterval == nil && last.revision > second.revision)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a report writes what it names, and a full one removes the rest`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let service = FieldKey(.service, "nginx")
            _ = try await store.report(report([page: "absent", port: "80", service: "stopped"]))
            #expect(try await store.report(report([page: "done", service: nil])) == 2)
            #expect(try await store.instance(webapp).observed?.fields == [page: "done", port: "80"])
            #expect(try await store.report(report([page: "done"], full: true)) == 3)
            #expect(try await store.instance(webapp).observed?.fields == [page: "done"])
            #expect(try await store.report(report([:], generation: 2)) == 4)
            let observed = try #require(try await store.instance(webapp).observed)
            #expect(observed.generation == 2 && observed.digest == "digest2" && observed.revision == 4)
            #expect(try await store.report(report([:], generation: 2, fieldsDigest: "f2")) == 5)
            #expect(
                try await store.summaries(shard: webapp.shard)
                    == [InstanceSummary(id: webapp, revision: 5, fieldsDigest: "f2")])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an instance that is gone has no observed hash, and its revision goes on when it comes back`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            #expect(try await store.report(report([:], gone: true)) == 0)
            _ = try await store.report(report([page: "absent"]))
            _ = try await store.report(report([page: "done"]))
            #expect(try await store.report(report([:], gone: true)) == 0)
            #expect(try await store.instance(webapp).observed == nil)
            #expect(try await store.summaries(shard: webapp.shard).isEmpty)
            #expect(try await store.instanceIDs(shard: webapp.shard).isEmpty)
            #expect(try await store.report(report([page: "absent"])) == 3)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a server's measurements make no feed entry, its other values do`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            func server(_ values: [String: String], full: Bool = false) async throws -> [Change] {
                let end = try await store.feedEnd()
                try await store.report(ServerReport(server: "server1", values: values, full: full))
                guard case .changes(let changes, _) = try await store.changes(after: end, shards: nil, limit: 9) else {
                    return []
                }
                return changes
            }
            let news = [Change(subject: .server("server1"), what: "observed")]
            #expect(try await store.observedServer("server1") == nil)
            #expect(try await server(["cpu": "30", "root": "/tmp/x", "status": "running"]) == news)
            #expect(try await server(["cpu": "31", "disk:/var": "80", "network": "7"]) == [])
            #expect(try await server(["status": "running"]) == [])
            #expect(try await server(["status": "draining"]) == news)
            let seen = try #require(try await store.observedServer("server1"))
            #expect(seen.values["cpu"] == "31" && seen.values["status"] == "draining" && seen.revision == 3)
            #expect(seen.root == "/tmp/x" && seen.reportedAt != nil)
            #expect(try await server(["root": "/tmp/x", "status": "draining"], full: true) == [])
            #expect(try await store.observedServer("server1")?.values == ["root": "/tmp/x", "status": "draining"])
            #expect(try await server(["root": "/tmp/x"], full: true) == news)
            #expect(try await store.observedServers(["server1", "nobody"]).map(\.name) == ["server1"])
            #expect(try await store.report(ServerReport(server: "server1", values: ["cpu": "9"], full: false)) == 6)
            #expect(try await store.report(ServerReport(server: "server9", values: [:], full: false)) == 1)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a server is stale when neither kind of report came`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            for server in ["server1", "server2"] {
                try await store.report(ServerReport(server: server, values: ["cpu": "1"], full: true))
            }
            let all = try await store.silentServers(before: store.now() + .milliseconds(1))
            #expect(all.keys.sorted() == ["server1", "server2"])
            let reportedAt = try await store.observedServer("server1")?.reportedAt
            #expect(all["server1"] == reportedAt)
            try await bench.pass(.milliseconds(5))
            let line = try await store.now()
            _ = try await store.report(report([:], of: InstanceID(app: "webapp", server: "server2")))
            #expect(try await store.silentServers(before: line).keys.sorted() == ["server1"])
            try await store.report(ServerReport(server: "server1", values: ["cpu": "1"], full: false))
            #expect(try await store.silentServers(before: line).isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a server that was deleted is missed no more, until its agent reports again`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            func silent() async throws -> [String] {
                try await store.silentServers(before: store.now() + .milliseconds(1)).keys.sorted()
            }
            let manifest =
                #"{"apiVersion":"ops/v1","kind":"Server","metadata":{"name":"server1"},"spec":{"address":"::1"}}"#
            var server = draft("server1", manifest: manifest)
            server.key = ResourceKey(.server, "server1")
            _ = try await store.apply(server)
            try await store.report(ServerReport(server: "server1", values: ["cpu": "1"], full: true))
            #expect(try await silent() == ["server1"])
            _ = try await store.delete(server.key, by: "ops", expectedGeneration: nil)
            #expect(try await silent() == [])
            #expect(try await store.observedServer("server1")?.reportedAt == nil)
            #expect(try await store.observedServer("server1")?.values == ["cpu": "1"])
            // That it is there again is news, though nothing that it says is.
            let before = try await store.feedEnd()
            try await store.report(ServerReport(server: "server1", values: ["cpu": "1"], full: false))
            #expect(try await silent() == ["server1"])
            guard case .changes(let changes, _) = try await store.changes(after: before, shards: nil, limit: 9) else {
                Issue.record("expected changes")
                return
            }
            #expect(changes.map(\.subject) == [.server("server1")])
        }
    }
}
