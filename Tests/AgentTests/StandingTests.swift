// Who an agent is, and what it does where another stands for its server.

import Agent
import Glibc
import Model
import Store
import TestRedis
import Testing

@Suite struct StandingTests {
    @Test
    func `an agent is the same as long as its machine runs, and a copy of its folder elsewhere has another journal`()
        throws
    {
        let folder = Folder()
        let state = try StateFolder(folder.path)
        let first = try state.identity(onBoot: "b1", of: "m1")
        #expect(first.place.hasSuffix(":" + folder.path))
        #expect(try state.identity(onBoot: "b1", of: "m1") == first)
        let started = try state.identity(onBoot: "b2", of: "m1")
        #expect(started.journal == first.journal && started.id != first.id)
        let copy = try state.identity(onBoot: "b2", of: "m2")
        #expect(copy.journal != first.journal)
        let own = try state.identity()
        #expect(try state.identity() == own && !own.boot.isEmpty)
    }

    @Test(arguments: ["", "\n", "1a", "x m1", "../.. m1", "1a m1 2b", "1a m2"])
    func `an identity that cannot be read is made anew`(_ text: String) throws {
        let folder = Folder()
        Disk.write(text, to: folder.path + "/identity")
        let state = try StateFolder(folder.path)
        let made = try state.identity(onBoot: "b1", of: "m1")
        #expect(made.journal != "1a" && !made.journal.isEmpty && made.journal.allSatisfy(\.isHexDigit))
        #expect(try state.identity(onBoot: "b1", of: "m1") == made)
    }

    @Test func `an idle agent is heard of more often than it has to be`() {
        #expect(Executor.Timing().wait + AgentBounds.heardEvery < AgentBounds.silence)
    }

    @Test func `that another stands for the server is said once, and that it does no more, too`() async {
        let said = Said()
        let standing = Standing(agent: nil, log: said.log)
        let now = Timestamp(milliseconds: 1_800_000_000_000)
        let other = AgentHolder(place: "web-7:/state", heardAt: now + .seconds(-2))
        #expect(!standing.isWaiting)
        for _ in 0..<3 { standing.heard(other, at: now) }
        #expect(standing.isWaiting)
        #expect(said.count("another agent stands for this server", "other=web-7:/state") == 1)
        #expect(said.count("another agent stands for this server", "heardBefore=2000ms") == 1)
        for _ in 0..<3 { standing.heard(nil, at: now) }
        #expect(!standing.isWaiting && said.count("the other agent is silent") == 1)
        await standing.settled(within: .seconds(60))
        var returns = standing.returns.makeAsyncIterator()
        #expect(await returns.next() != nil)
        #expect(said.lines.count == 2)
    }

    @Test func `people are told where the other may be this one, before its machine started`() {
        let said = Said()
        let standing = Standing(agent: AgentIdentity(journal: "1a", boot: "b2", place: "web-7:/state"), log: said.log)
        let now = Timestamp(milliseconds: 1_800_000_000_000)
        standing.heard(AgentHolder(place: "web-7:/state", heardAt: now), at: now)
        #expect(said.count("the agent before this machine started, or on a copy of it, stands for this server") == 1)
    }

    @Test func `an agent waits beside another of its server, reports nothing, and goes on when that is silent`()
        async throws
    {
        let stage = try await Stage()
        let other = AgentIdentity(journal: "1a", boot: "b1", place: "web-7:/state")
        let values = ["root": "/other"]
        func visit() async throws {
            let turn = RunTurn(
                queue: .server("server1"), server: "server1", token: "1a:1", limit: 0, lease: .seconds(10), agent: other
            )
            #expect(try await stage.store.turn(turn).holder == nil)
            try await stage.store.report(ServerReport(server: "server1", values: values, full: true, agent: other))
        }
        try await visit()
        let said = Said()
        try await stage.withAgent(log: said.log) { () async throws in
            #expect(await eventually { said.count("another agent stands for this server") == 1 })
            try await RunExecutorTests.enqueue(RunExecutorTests.job("j", "true"), to: stage.store)
            try await visit()
            #expect(try await stage.store.observedServer("server1")?.values == values)
            #expect(try await RunExecutorTests.record("j", in: stage.store)?.state == .ready)
            // 15 s after the other's last visit.
            let isDone = try await eventually(within: .seconds(25)) {
                try await RunExecutorTests.record("j", in: stage.store)?.state == .done
            }
            #expect(isDone, "\(said.lines)")
            #expect(
                try await eventually {
                    try await stage.store.observedServer("server1")?.values["root"] == stage.root
                })
            #expect(said.count("another agent stands for this server") == 1)
            #expect(said.count("the store does not answer") == 0)
        }
    }

    @Test func `without its server's own queue an agent takes from no pool, and leaves none`() throws {
        let start = ContinuousClock.now
        let time = Timestamp(milliseconds: 1_000_000)
        let pool = try #require(Pool(selector: ["role": "web"]))
        let agent = AgentIdentity(journal: "1a", boot: "b1", place: "web-7:/state")
        var desks = RunDesks(server: "server1", agent: agent, nonce: "1a:n", timing: Executor.Timing(), at: start)
        let first = try #require(desks.turns(room: 8, attempts: [:], at: start).first)
        #expect(first.agent == agent && first.isBoot && first.token.hasPrefix("1a:"))
        desks.answered(first, RunTurnReply(now: time, pools: [pool], labels: ["role": "web"], epoch: 7), at: start)
        let visit = try #require(desks.turns(room: 8, attempts: [:], at: start).first { $0.queue == .pool(pool) })
        #expect(visit.epoch == 7 && visit.limit > 0)
        // Another agent was there: the own queue is asked, and says so.
        let holder = AgentHolder(place: "web-8:/state", heardAt: time)
        desks.answered(visit, RunTurnReply(now: time, holder: holder), at: start)
        let own = try #require(desks.turns(room: 8, attempts: [:], at: start).first)
        #expect(own.queue == .server("server1"))
        let refusal = RunTurnReply(now: time, nextDueAt: time + .seconds(15), holder: holder)
        desks.answered(own, refusal, at: start)
        #expect(desks.turns(room: 8, attempts: [:], at: start).isEmpty)
        desks.ringAll()
        let later = desks.turns(room: 8, attempts: [:], at: start + .seconds(4000))
        #expect(later.first { $0.queue == .pool(pool) }?.limit == 0)
        #expect(desks.poolsToLeave(busy: [], at: start + .seconds(4000)).isEmpty)
    }
}
