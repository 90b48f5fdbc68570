// What is read from /proc, and that a file system that hangs delays nothing.

import Agent
import Glibc
import Model
import Store
import Synchronization
import TestRedis
import Testing

@Suite struct MonitorTests {
    @Test func `percentages and rates come from two looks`() {
        var before = ProcSample()
        before.readStat("cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 2 3\n")
        before.readNetwork(
            "Inter-|   Receive\n face |bytes\n    lo: 999999 0 0 0 0 0 0 0 999999 0\n  eth0: 1000 1 0 0 0 0 0 0 500 1 0\n"
        )
        var now = ProcSample()
        now.readStat("cpu  150 0 125 975 50 0 0 0 60 0\n")
        now.readNetwork("a\nb\n  eth0:201000 1 0 0 0 0 0 0 100500 1 0\n")
        now.readMeminfo("MemTotal:       1000 kB\nMemFree:         10 kB\nMemAvailable:    300 kB\n")
        now.load = "0.42"
        now.uptimeSeconds = 1234
        let values = ServerValues.values(now, since: before, seconds: 5)
        #expect(values == ["cpu": "25", "mem": "70", "network": "60", "load": "0.42", "uptime": "1200"])
    }

    @Test func `counters that step back, and numbers that cannot be, read as nothing and trap nowhere`() {
        var before = ProcSample()
        before.readStat("cpu  500 0 100 700 100 0 0 0\n")
        before.network = 1000
        var now = ProcSample()
        now.readStat("cpu  400 0 100 600 100 0 0 0\n")
        var values = ServerValues.values(now, since: before, seconds: 5)
        #expect(values["cpu"] == "0" && values["network"] == "0" && values["mem"] == "0")
        let most = "\(UInt64.max)"
        now.readStat("cpu  \(most) \(most) \(most) 1 1 0 0 0\n")
        now.readNetwork("a\nb\n  eth0: \(most) 0 0 0 0 0 0 0 \(most) 0\n")
        now.readMeminfo("MemTotal: \(most) kB\nMemAvailable: 0 kB\n")
        values = ServerValues.values(now, since: before, seconds: 0.000001)
        #expect(values["mem"] == "100")
        #expect(DiskProbe.percentUsed(blocks: 100, free: 200, available: 50) == "0")
        #expect(DiskProbe.percentUsed(blocks: 100, free: 50, available: 50) == "50")
        #expect(DiskProbe.percentUsed(blocks: 100, free: 49, available: 49) == "51")
        #expect(DiskProbe.percentUsed(blocks: .max, free: 0, available: .max) == "50")
    }

    @Test func `this machine can be read`() {
        let values = ServerValues.values(.read(), since: nil, seconds: 0)
        for name in ["cpu", "mem"] { #expect(Int(values[name] ?? "").map { (0...100).contains($0) } == true) }
        #expect(Double(values["load"] ?? "") != nil)
    }

    @Test func `a file system that hangs is unknown, delays nothing, and costs one thread`() async throws {
        let isHanging = Mutex(true)
        let disk = DiskProbe {
            while isHanging.withLock({ $0 }) { usleep(1000) }
            return "42"
        }
        let store = InMemoryStore(clock: wallClock)
        let monitor = Monitor(
            store: store, identity: Monitor.Identity(server: "server1", root: "/", version: "test"),
            interval: .milliseconds(20), disk: disk, standing: Standing(agent: nil, log: quiet),
            outage: Outage(log: quiet))
        let task = Task { await monitor.run() }
        #expect(
            try await eventually {
                let observed = try await store.observedServer("server1")
                return observed?.values["disk"] == "unknown" && observed?.values["mem"] != nil
            })
        #expect(disk.threads == 1)
        isHanging.withLock { $0 = false }
        #expect(try await eventually { try await store.observedServer("server1")?.values["disk"] == "42" })
        #expect(disk.threads == 1)
        task.cancel()
        await task.value
    }

    @Test func `after an outage the server is reported as often as before`() {
        let interval: Duration = .seconds(5)
        var now = ContinuousClock.now
        var pace = ReportPace(interval: interval, start: now)
        #expect(pace.afterReport(at: now) == now + interval)
        let end = now + .seconds(60)
        while now < end {
            let next = pace.afterMiss(at: now)
            #expect(next > now && next - now <= .seconds(1))
            now = next
        }
        // One at once, since one is overdue, and then as ever.
        #expect(pace.afterReport(at: now) == now)
        #expect(pace.afterReport(at: now) == now + interval)
        #expect(pace.afterReport(at: now + interval) == now + interval * 2)
    }

    @Test func `a report that is made early puts the next one off no longer than an interval`() {
        let now = ContinuousClock.now
        var pace = ReportPace(interval: .seconds(3600), start: now)
        _ = pace.afterReport(at: now)
        #expect(pace.afterReport(at: now + .seconds(1)) == now + .seconds(3601))
        pace.interval = .seconds(5)
        #expect(pace.afterReport(at: now + .seconds(2)) == now + .seconds(7))
    }

    @Test func `a server is reported as often as its declaration says`() async throws {
        let stage = try await Stage()
        var configuration = stage.configuration()
        configuration.interval = .seconds(3600)
        try await stage.withAgent(configuration) { () async throws in
            #expect(try await eventually { try await stage.store.observedServer("server1") != nil })
            _ = try await stage.store.apply(
                ResourceDraft(
                    key: ResourceKey(.server, "server1"), digest: "d", manifest: "{}", config: [:], blobs: [:],
                    appliedBy: "ann", expectedGeneration: nil, reportInterval: .milliseconds(20)))
            // More reports than the change itself is the reason of.
            var times: Set<Timestamp> = []
            #expect(
                try await eventually {
                    if let at = try await stage.store.observedServer("server1")?.reportedAt { times.insert(at) }
                    return times.count > 6
                })
        }
    }

    @Test func `a store that lost everything is told everything again`() async throws {
        let stage = try await Stage()
        stage.desire([.file("/a", "a")])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            let first = try await stage.store.observedServer("server1")
            #expect(first?.values["root"] == stage.root)
            await stage.store.loseEverything()
            #expect(try await eventually { try await stage.store.observedServer("server1")?.values["root"] != nil })
            #expect(Disk.text(stage.root + "/a") == "a")
        }
    }

    @Test func `changes made while the store was away are reported when it is back`() async throws {
        let stage = try await Stage()
        let key = FieldKey(.file, "/a")
        stage.desire([.file("/a", "a"), .file("/b", "b")])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            await stage.store.setOutage(.indeterminate("away"))
            Disk.write("changed", to: stage.root + "/a")
            Disk.write("changed", to: stage.root + "/b")
            Disk.write("b", to: stage.root + "/b")
            await stage.store.setOutage(nil)
            let changed = "sha256:\(Digest.sha256(Array("changed".utf8)))"
            #expect(try await eventually { try await stage.observed[key]?.hasPrefix(changed) == true })
            #expect(try await stage.becomesReady())
        }
    }
}
