// Two agents that call themselves the same, each with a state folder of its own: one stands for the server, the other says
// so and waits, and no job is done twice, whichever of them is killed or stopped.

import Glibc
import Model
import RedisStore
import Store
import TestRedis
import Testing

@Suite(.serialized, .timeLimit(.minutes(3))) struct TwinAgentTests {
    private static let own = RunQueue.server("server1")
    /// The other agent is silent for `AgentBounds.silence` first.
    private static let takeover = AgentBounds.silence + .seconds(15)

    private static func enqueue(_ jobs: [RunJob], to store: RedisStore) async throws {
        _ = try await store.enqueue(jobs, on: own, delay: nil, notBefore: nil, lease: nil)
    }

    private static func end(
        _ jobs: [RunJob], as state: JobState = .done, within limit: Duration = .seconds(20), _ store: RedisStore
    ) async -> Bool {
        await eventually(within: limit) {
            let records = try? await store.runs(jobs.map(\.id), on: own)
            return records?.allSatisfy { $0?.state == state } == true
        }
    }

    private static func says(_ agent: String, _ words: String, _ fleet: TestFleet) async -> Bool {
        await eventually(within: .seconds(20)) { count(words, in: agent, fleet) > 0 }
    }

    private static func count(_ words: String, in agent: String, _ fleet: TestFleet) -> Int {
        readText(fleet.log(agent)).split(separator: "\n").count { $0.contains(words) }
    }

    private static func judge(_ jobs: [RunJob], _ fleet: TestFleet, _ store: RedisStore) async throws {
        let found = try await RunHistory.recorded(jobs, on: own, of: fleet, store).breaches
        #expect(found == [], "\(fleet.logs)")
    }

    private static func jobs(_ name: String, _ count: Int) -> [RunJob] {
        (0..<count).map { RunHistory.job("\(name)\($0)") }
    }

    private static let waits = "another agent stands for this server"
    private static let stands = "the other agent is silent: this one stands for the server"

    @Test func `the second agent of a server says so and does nothing until the first was killed and is silent`()
        async throws
    {
        try await TestFleet.withStore { fleet, store in
            let long = RunHistory.job("long", "while [ ! -e go ] && [ -d \(fleet.folder) ]; do sleep 0.01; done")
            try await Self.enqueue([long], to: store)
            #expect(await eventually(within: .seconds(20)) { fleet.exists("server1", "/effects") }, "\(fleet.logs)")
            try fleet.startAgent("server1", as: "agent-second")
            #expect(await Self.says("agent-second", Self.waits, fleet), "\(fleet.logs)")
            let early = Self.jobs("early", 40)
            try await Self.enqueue(early, to: store)
            #expect(await Self.end(early, store), "\(fleet.logs)")
            try fleet.write(fleet.root("server1") + "/go", "")
            #expect(await Self.end([long], store), "\(fleet.logs)")
            #expect(Self.count("a run is done", in: "agent-server1", fleet) == 41)
            // In one line: where the other is, when it was heard of, what to do.
            let line = readText(fleet.log("agent-second")).split(separator: "\n").first { $0.contains(Self.waits) }
            for part in ["/state-agent-server1", "heardAt", "stop the other", "--server"] {
                #expect(line?.contains(part) == true, "\(line ?? "")")
            }
            // Restarted, the first stands for the server at once.
            await fleet.end("agent-server1")
            try fleet.startAgent("server1")
            let again = Self.jobs("again", 10)
            try await Self.enqueue(again, to: store)
            #expect(await Self.end(again, within: .seconds(8), store), "\(fleet.logs)")
            await fleet.end("agent-server1")
            let late = Self.jobs("late", 10)
            try await Self.enqueue(late, to: store)
            let began = ContinuousClock.now
            #expect(await Self.end(late, within: Self.takeover, store), "\(fleet.logs)")
            print("taken over after \(ContinuousClock.now - began)")
            #expect(Self.count(Self.waits, in: "agent-second", fleet) == 1, "said once: \(fleet.logs)")
            #expect(Self.count(Self.stands, in: "agent-second", fleet) == 1)
            #expect(Self.count("a run is done", in: "agent-second", fleet) == 10, "\(fleet.logs)")
            try await Self.judge([long] + early + again + late, fleet, store)
        }
    }

    @Test func `an agent that was stopped for long finds another in its place, tells what it did, and begins nothing`()
        async throws
    {
        try await TestFleet.withStore { fleet, store in
            let slow = RunHistory.job("slow", "while [ ! -e go ] && [ -d \(fleet.folder) ]; do sleep 0.01; done")
            try await Self.enqueue([slow], to: store)
            #expect(await eventually(within: .seconds(20)) { fleet.exists("server1", "/effects") }, "\(fleet.logs)")
            fleet.signal("agent-server1", SIGSTOP)
            let meanwhile = Self.jobs("meanwhile", 10)
            try await Self.enqueue(meanwhile, to: store)
            try fleet.startAgent("server1", as: "agent-second")
            #expect(await Self.end(meanwhile, within: Self.takeover, store), "\(fleet.logs)")
            // Nobody but the first can know how far it came.
            #expect(await Self.end([slow], as: .dead, store), "\(fleet.logs)")
            fleet.signal("agent-server1", SIGCONT)
            #expect(await Self.says("agent-server1", Self.waits, fleet), "\(fleet.logs)")
            let after = Self.jobs("after", 30)
            try await Self.enqueue(after, to: store)
            #expect(await Self.end(after, store), "\(fleet.logs)")
            #expect(Self.count("a run is done", in: "agent-second", fleet) == 40, "\(fleet.logs)")
            try fleet.write(fleet.root("server1") + "/go", "")
            #expect(await Self.end([slow], store), "\(fleet.logs)")
            #expect(Self.count("a run is done", in: "agent-server1", fleet) == 1)
            try await Self.judge([slow] + meanwhile + after, fleet, store)
        }
    }

    @Test func `a copy of a machine takes its place and begins nothing that may have been begun there`() async throws {
        try await TestFleet.withStore { fleet, store in
            let before = Self.jobs("before", 3)
            try await Self.enqueue(before, to: store)
            #expect(await Self.end(before, store), "\(fleet.logs)")
            let (state, copy) = (fleet.folder + "/state-agent-server1", fleet.folder + "/state-agent-copy")
            let copied = try await Programs.run(["cp", "-a", state, copy], folder: fleet.folder)
            #expect(copied.code == 0, "\(copied)")
            // As if it had been made on another machine than this one, where it is now.
            let words = readText(copy + "/identity").split(separator: " ").map(String.init)
            try #require(words.count == 2)
            try fleet.write(copy + "/identity", "\(words[0]) another")
            let slow = RunHistory.job("slow", "while [ ! -e go ] && [ -d \(fleet.folder) ]; do sleep 0.01; done")
            try await Self.enqueue([slow], to: store)
            let hasBegun = await eventually(within: .seconds(20)) {
                fleet.text("server1", "/effects").contains("slow")
            }
            #expect(hasBegun, "\(fleet.logs)")
            try fleet.startAgent("server1", as: "agent-copy")
            #expect(await Self.says("agent-copy", Self.waits, fleet), "\(fleet.logs)")
            await fleet.end("agent-server1")
            let after = Self.jobs("after", 10)
            try await Self.enqueue(after, to: store)
            #expect(await Self.end(after, within: Self.takeover, store), "\(fleet.logs)")
            #expect(await Self.end([slow], as: .dead, store), "\(fleet.logs)")
            let error = try await store.runs(["slow"], on: Self.own).first??.error ?? ""
            #expect(error.hasPrefix("in doubt"), "\(error)")
            try fleet.write(fleet.root("server1") + "/go", "")
            try await Self.judge(before + [slow] + after, fleet, store)
        }
    }
}
