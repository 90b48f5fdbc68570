// The inbox, from what anybody pushed to jobs on queues, over both stores.

import Controller
import Logging
import Model
import Redis
import RedisStore
import Store
import TestRedis
import Testing

@Suite(.privateRedis) struct InboxTests {
    enum Kind: String, CaseIterable { case memory, redis }

    /// A leader's inbox over a store, with a server and an App that has an action.
    struct Bench: Sendable {
        let store: any OperationsStore
        let push: @Sendable ([UInt8]) async throws -> Void
        let configuration: ControllerConfiguration

        func push(_ text: String) async throws { try await push(Array(text.utf8)) }

        /// A replica that leads at once; its way to the store can be cut.
        func replica(_ name: String = "a") -> (Replica, FaultyStore) {
            let faulty = FaultyStore(store)
            var configuration = configuration
            configuration.holder = name
            configuration.preemptAfterConnectionAge = .zero
            configuration.inboxRetry = .milliseconds(20)
            let logger = Logger(label: name) { _ in SwiftLogNoOpLogHandler() }
            return (
                Replica(store: faulty, configuration: configuration, time: SystemTime(), logger: logger), faulty
            )
        }

        func leading(_ body: () async throws -> Void) async throws {
            let (replica, _) = replica()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await replica.run() }
                try await body()
                group.cancelAll()
            }
        }

        /// What became of what was just pushed.
        func refusal(_ text: [UInt8]) async throws -> String? {
            let before = try await store.refusedInbox(limit: 1).first?.id
            try await push(text)
            var refused: RefusedItem?
            _ = try await eventually {
                refused = try await store.refusedInbox(limit: 1).first
                return refused?.id != before
            }
            return refused.flatMap { $0.id == before ? nil : $0.reason }
        }

        func runs(_ server: String) async throws -> [RunRecord] {
            try await store.runs(on: .server(server), limit: 1000)
        }
    }

    private static let manifests = [
        World.server("server1"), World.server("server2", labels: ["role": "db"]),
        World.app(
            "shop", placement: #"{ "servers": ["server1", "server2"] }"#,
            extra: #", "actions": { "backup": { "steps": [ { "command": ["dump", "${config.port}"] } ] } }"#),
        #"""
        { "apiVersion": "ops/v1", "kind": "Schedule", "metadata": { "name": "nightly-backup" },
          "spec": { "run": { "steps": [ { "command": ["true"] } ] }, "on": { "servers": ["server2"] } } }
        """#,
    ]

    private func withBench(_ kind: Kind, _ body: (Bench) async throws -> Void) async throws {
        let configuration = ControllerConfiguration(holder: "a")
        switch kind {
        case .memory:
            let time = SystemTime()
            let store = InMemoryStore(clock: {
                Timestamp(milliseconds: 1_700_000_000_000) + time.now()
            })
            for manifest in Self.manifests { try await World.apply(manifest, to: store) }
            try await body(Bench(store: store, push: { await store.push($0) }, configuration: configuration))
        case .redis:
            let server = try #require(PrivateRedis.current)
            let prefix = "inbox\(UInt64.random(in: 0...UInt64.max))"
            let threads = RedisThreads()
            let store = try await RedisStore.connect(url: server.url, prefix: prefix, on: threads)
            let client = RedisClient(try RedisURL(server.url), on: threads)
            for manifest in Self.manifests { try await World.apply(manifest, to: store) }
            try await body(
                Bench(
                    store: store,
                    push: { item in
                        _ = try await client.send(RedisCommand("RPUSH", key: "\(prefix):{ctl}:inbox", [.bytes(item)]))
                    }, configuration: configuration))
            await store.close()
            await client.close()
            await threads.shutdown()
        }
    }

    @Test(arguments: Kind.allCases)
    func `a JSON job becomes a job on each of its queues, and what it named is where to look`(_ kind: Kind) async throws
    {
        try await withBench(kind) { bench in
            try await bench.leading {
                try await bench.push(
                    #"{"id":"thumb-17","on":["server1","server2"],"command":["thumbnail","17"],"retries":2}"#)
                #expect(try await eventually { try await bench.store.inboxRecord("thumb-17") != nil })
                let record = try #require(try await bench.store.inboxRecord("thumb-17"))
                #expect(record.jobs == ["server1/thumb-17", "server2/thumb-17"])
                #expect(record.states == ["created", "created"] && record.refusal == nil)
                let job = try #require(try await bench.runs("server1").first?.job)
                #expect(job.id == "thumb-17" && job.origin == "inbox" && job.maximumAttempts == 3)
                #expect(try await bench.runs("server2").count == 1)

                // The same id again is no second job: it is answered with the first one's state.
                _ = try await bench.store.cancel("thumb-17", on: .server("server1"), lease: nil)
                try await bench.push(#"{"id":"thumb-17","on":"server1","command":["thumbnail","17"]}"#)
                #expect(
                    try await eventually {
                        try await bench.store.inboxRecord("thumb-17")?.states == ["cancelled"]
                    })
                #expect(try await bench.runs("server1").count == 1)
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func `the name of an action or of a Schedule is a job as well`(_ kind: Kind) async throws {
        try await withBench(kind) { bench in
            try await bench.leading {
                try await bench.push("shop/backup\n")
                try await bench.push("nightly-backup")
                try await bench.push(" schedule/nightly-backup ")
                #expect(try await eventually { try await bench.runs("server2").count == 3 })
                #expect(try await bench.runs("server1").first?.job.values?["config.port"] == "8080")
                #expect(try await bench.runs("server2").allSatisfy { InboxItem.isGiven(id: $0.job.id) })
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func `what is no job is put aside with one line that says why, and what comes after it is done`(
        _ kind: Kind
    ) async throws {
        let bad: [(String, String)] = [
            (
                "",
                "expected a JSON object, an App's action such as shop/backup, or the name of a Schedule, found nothing"
            ),
            ("   \n", "found nothing"),
            ("{not json", "expected JSON, found none"),
            ("[1]", #"found "[1]""#),
            ("\u{1b}[31mred", #"found "\u{1B}[31mred""#),
            (
                #"{"on":"server1","run":{"steps":[{"comand":["true"]}]}}"#,
                "run.steps[0].comand: unknown field \"comand\"; did you mean \"command\"?"
            ),
            (#"{"id":"a b","on":"server1","command":["true"]}"#, "id: "),
            (#"{"id":"inbox-1","on":"server1","command":["true"]}"#, "does not begin with inbox-"),
            (#"{"on":"server9","command":["true"]}"#, "there is no Server server9; did you mean server1?"),
            (#"{"on":{"selector":{"role":"none"}},"command":["true"]}"#, "no Server has the labels role=none"),
            ("nightly-bakup", "there is no Schedule nightly-bakup; did you mean nightly-backup?"),
            ("shp/backup", "there is no App shp; did you mean shop?"),
            ("shop/bakup", "App shop has no action bakup; it has backup, restart, upgrade"),
            ("a/b/c", "expected a JSON object"),
        ]
        try await withBench(kind) { bench in
            try await bench.leading {
                for (text, reason) in bad {
                    let found = try await bench.refusal(Array(text.utf8)) ?? "nothing"
                    #expect(found.contains(reason) && !found.contains("\n"), "\(text): \(found)")
                }
                let binary = try await bench.refusal([0xFF, 0x00, 0xFE, 0x0A, 0x80])
                #expect(binary?.contains("expected a JSON object") == true, "\(binary ?? "")")
                let large = try await bench.refusal(Array(repeating: UInt8(ascii: "{"), count: 1 << 20))
                #expect(large == "expected at most 262144 bytes, found 1048576")
                let deep = try await bench.refusal(Array(repeating: UInt8(ascii: "{"), count: 200_000))
                #expect(deep?.contains("expected JSON") == true, "\(deep ?? "")")
                #expect(try await bench.runs("server1").isEmpty)
                _ = try await bench.refusal(Array(#"{"id":"named","on":"server1","comand":["true"]}"#.utf8))
                #expect(try await bench.store.inboxRecord("named")?.refusal?.contains("command") == true)
                try await bench.push(#"{"on":"server1","command":["true"]}"#)
                #expect(try await eventually { try await bench.runs("server1").count == 1 })
            }
        }
    }

    /// A crash after each of the steps: taken, enqueued, settled.
    @Test(arguments: Kind.allCases, ["settleInbox", "enqueue", "takeFromInbox"])
    func `a leader that dies in between leaves no item lost and none done twice`(
        _ kind: Kind, _ step: String
    ) async throws {
        try await withBench(kind) { bench in
            let (first, way) = bench.replica("first")
            way.refuse(step, with: .unavailable("cut by the test"))
            let running = Task { await first.run() }
            #expect(await eventually { first.leadership.currentLease != nil })
            for number in 0..<5 { try await bench.push(#"{"on":"server1","command":["echo","\#(number)"]}"#) }
            #expect(await eventually { way.calls(step) >= 2 })
            way.die()
            await way.cutPresence()
            running.cancel()
            await running.value
            try await bench.leading {
                let isDone = try await eventually {
                    let isLeft = try await bench.store.lookIntoInbox([]).hasItems
                    let count = try await bench.runs("server1").count
                    return !isLeft && count == 5
                }
                #expect(isDone)
            }
            let commands = try await bench.runs("server1").flatMap(\.job.steps).map { "\($0)" }
            #expect(Set(commands).count == 5 && commands.count == 5)
            #expect(try await bench.store.refusedInbox(limit: 10).isEmpty)
        }
    }

    @Test func `a standby asks the store for nothing of the inbox`() async throws {
        let world = World()
        let first = world.replica("a")
        _ = try await world.eventually(servers: []) { first.isLeading(at: world.time.now()) }
        let second = world.replica("b")
        #expect(try await world.eventually(servers: []) { first.store.calls("lookIntoInbox") > 10 })
        #expect(second.store.calls("acquireLease") > 0)
        #expect(second.store.calls("lookIntoInbox") == 0)
        await first.end()
        await second.end()
    }
}
