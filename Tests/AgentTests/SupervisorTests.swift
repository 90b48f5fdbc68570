// The supervisor by itself, without an agent around it: how a process and what it started are ended, each way alone, and
// what is not begun or forgotten.

import Agent
import Glibc
import Logging
import Model
import Store
import TestRedis
import Testing

@Suite struct SupervisorTests {
    private static let key = ServiceKey(InstanceID(app: "webapp", server: "server1"), "app")

    /// A service of a shell script; what it needs of a folder is `$FOLDER`.
    private static func run(
        _ script: String, in folder: Folder, run: String = "aaaaaaaaaaaa", stopTimeout: Duration = .seconds(20)
    ) -> ServiceRun {
        let spec = ServiceSpec(
            command: ["bash", "-c", script], environment: ["FOLDER": folder.path], stopTimeout: stopTimeout)
        return ServiceRun(spec: spec, run: run, load: "000000000000")
    }

    private static func number(_ path: String) async throws -> Int32 {
        #expect(await eventually { Disk.text(path)?.hasSuffix("\n") == true })
        return try #require(Disk.text(path).flatMap { Int32($0.dropLast()) })
    }

    @Test func `a service is asked to end before it is made to`() async throws {
        let folder = Folder()
        let supervisor = try TestMachine.make(in: folder).supervisor
        let script = "trap 'echo asked > $FOLDER/asked; exit' TERM; echo > $FOLDER/ready; while :; do sleep 0.01; done"
        try supervisor.ensure(Self.key, Self.run(script, in: folder), giveUp: GiveUp())
        #expect(await eventually { Disk.exists(folder.path + "/ready") })
        try supervisor.remove(Self.key)
        #expect(Disk.text(folder.path + "/asked") == "asked\n")
    }

    @Test func `a service that does not end when it is asked to is made to`() async throws {
        let folder = Folder()
        let supervisor = try TestMachine.make(in: folder).supervisor
        let script = "trap '' TERM; echo > $FOLDER/ready; while :; do sleep 0.01; done"
        try supervisor.ensure(
            Self.key, Self.run(script, in: folder, stopTimeout: .milliseconds(50)), giveUp: GiveUp())
        #expect(await eventually { Disk.exists(folder.path + "/ready") })
        let process = try #require(supervisor.record(Self.key)?.process)
        try supervisor.remove(Self.key)
        #expect(!ProcessTable.runs(process))
    }

    @Test func `the whole group is asked to end while its leader still runs`() async throws {
        let folder = Folder()
        let supervisor = try TestMachine.make(in: folder).supervisor
        // The leader does not listen; it ends because its child, which does, has ended.
        let child = "(trap 'exit 0' TERM; echo > $FOLDER/ready; while :; do sleep 0.01; done) & child=$!"
        let script = "trap '' TERM; \(child); wait $child; echo after > $FOLDER/after"
        try supervisor.ensure(Self.key, Self.run(script, in: folder), giveUp: GiveUp())
        #expect(await eventually { Disk.exists(folder.path + "/ready") })
        try supervisor.remove(Self.key)
        #expect(Disk.text(folder.path + "/after") == "after\n")
    }

    @Test func `who is in another group of the session and nobody's child is ended with the service`() async throws {
        let folder = Folder()
        let supervisor = try TestMachine.make(in: folder).supervisor
        let script = "(set -m; sleep 1000 & echo $! > $FOLDER/child); exec sleep 1000"
        try supervisor.ensure(Self.key, Self.run(script, in: folder), giveUp: GiveUp())
        let child = try await Self.number(folder.path + "/child")
        let identity = try #require(ProcessTable.identity(of: child))
        let leader = try #require(supervisor.record(Self.key)?.process.pid)
        #expect(getsid(child) == leader && getpgid(child) == child)
        try supervisor.remove(Self.key)
        #expect(await eventually { !ProcessTable.runs(identity) })
        kill(child, SIGKILL)
    }

    @Test func `a process that does not end stays known, and nothing is started beside it`() throws {
        let folder = Folder()
        let supervisor = try TestMachine.make(in: folder, end: { _, _ in false }).supervisor
        let first = Self.run("exec sleep 1000", in: folder)
        try supervisor.ensure(Self.key, first, giveUp: GiveUp())
        let process = try #require(supervisor.record(Self.key)?.process)
        defer { kill(-process.pid, SIGKILL) }
        let why = StepError.failed("app does not end: process \(process.pid) was sent KILL")
        let second = Self.run("exec sleep 1000", in: folder, run: "bbbbbbbbbbbb")
        #expect(throws: why) { try supervisor.ensure(Self.key, second, giveUp: GiveUp()) }
        #expect(throws: why) { try supervisor.remove(Self.key) }
        #expect(supervisor.record(Self.key)?.process == process)
        #expect(supervisor.value(Self.key) == "running aaaaaaaaaaaa/000000000000")
    }

    @Test func `once all services were ended none is started`() async throws {
        let folder = Folder()
        let machine = try TestMachine.make(in: folder)
        let run = Self.run("exec sleep 1000", in: folder)
        try machine.supervisor.ensure(Self.key, run, giveUp: GiveUp())
        let process = try #require(machine.supervisor.record(Self.key)?.process)
        await machine.supervisor.stopAll()
        #expect(!ProcessTable.runs(process))
        #expect(throws: StepError.cancelled) { try machine.supervisor.ensure(Self.key, run, giveUp: GiveUp()) }
        #expect(machine.supervisor.restart(Self.key, inSync: true) == nil)
        #expect(machine.ledger.state.services[Self.key]?.process == process)
    }

    @Test func `the log of a service is held to its bound, and its end is kept`() throws {
        let folder = Folder()
        let supervisor = try TestMachine.make(in: folder).supervisor
        try supervisor.ensure(Self.key, Self.run("exec sleep 1000", in: folder), giveUp: GiveUp())
        defer { try? supervisor.remove(Self.key) }
        let log = folder.path + "/state/services/webapp/app.log"
        #expect(Disk.exists(log))
        let bound = 1 << 20
        Disk.write(String(repeating: "x", count: bound) + "the end\n", to: log)
        supervisor.boundLogs()
        #expect(Disk.text(log) == "")
        let kept = try #require(readSmallFile(log + ".1", limit: 2 * bound))
        #expect(kept.count == bound && kept.suffix(8).elementsEqual("the end\n".utf8))
    }

    @Test func `an end that nobody heard of is found by looking, and the service runs again`() async throws {
        let folder = Folder()
        let machine = try TestMachine.make(in: folder)
        let watcher = try Watcher(root: machine.root, log: quiet)
        let table = ObservedTable()
        let store = InMemoryStore(clock: wallClock)
        let observer = Observer(
            drivers: Drivers(machine: machine), table: table,
            reporter: Reporter(
                store: store, table: table, standing: Standing(agent: nil, log: quiet), outage: Outage(log: quiet)),
            watcher: watcher, log: quiet)
        try machine.supervisor.ensure(Self.key, Self.run("exec sleep 1000", in: folder), giveUp: GiveUp())
        let process = try #require(machine.supervisor.record(Self.key)?.process)
        let task = Task { await observer.run() }
        observer.remindOfServices()
        kill(process.pid, SIGKILL)
        #expect(await eventually { machine.supervisor.neglected(at: .now) == [Self.key] })
        #expect(machine.supervisor.record(Self.key)?.process == process)
        observer.remindOfServices()
        #expect(
            await eventually {
                machine.supervisor.record(Self.key).map { $0.process != process && ProcessTable.runs($0.process) }
                    ?? false
            })
        task.cancel()
        watcher.close()
        await task.value
        try machine.supervisor.remove(Self.key)
    }
}
