// The agent: a Monitor that reports the server, an Observer that keeps watch over what is assigned to it, and an Executor
// that does the jobs of plans, and another that does those of people, schedules and scripts; as one service, over any
// store that has an agent's side.
//
// Guarantees: services are adopted and supervised before the store is asked for anything, and as long as it is away; those that
// ended while no agent was there are started again as soon as the store said that this agent stands for the server, or did not
// answer for a second; when `run` returns, services go on, unless they are to end with the agent.

internal import CLinux
internal import Glibc
package import Logging
internal import Model
internal import ServiceLifecycle
package import Store

package final class AgentService: Service {
    private let configuration: AgentConfiguration
    private let log: Logger
    private let machine: Machine
    private let watcher: Watcher
    private let monitor: Monitor
    private let observer: Observer
    private let reporter: Reporter
    private let executor: Executor
    private let runs: RunExecutor
    private let standing: Standing
    private let lock: LockedState

    private final class LockedState: Sendable {
        let file: OpenFile
        init(_ file: consuming OpenFile) { self.file = file }

        /// A child that was just forked may hold the file open for a moment longer; the lock ends for all.
        func release() { flock(file.number, LOCK_UN) }
    }

    /// Takes the root and the state folder, reads the ledger. Nothing runs yet.
    package init(_ configuration: AgentConfiguration, store: any AgentStore & RunQueueStore, log: Logger)
        throws(StepError)
    {
        self.configuration = configuration
        self.log = log
        // Folders above what is managed are for everybody to pass, whatever shell the agent was started from.
        umask(0o022)
        try StateFolder.makeFolders(configuration.root)
        let state = try StateFolder(configuration.state)
        lock = LockedState(try state.lock())
        let ledger = try Ledger(path: state.ledgerPath)
        if ledger.damaged > 0 {
            log.warning("damaged lines of the journal were left out", metadata: ["bytes": "\(ledger.damaged)"])
        }
        state.removeOutputs { Array(ledger.read { $0.begun.keys }) }
        RunFiles.removeAll(in: state) { Array(ledger.read { $0.runs.open.keys }) }
        let parts = try Self.parts(configuration, state: state, ledger: ledger, log: log)
        machine = parts.machine
        watcher = parts.watcher
        let outage = Outage(log: log)
        let agent = try state.identity()
        let standing = Standing(agent: agent, log: log)
        self.standing = standing
        let table = ObservedTable()
        reporter = Reporter(store: store, table: table, standing: standing, outage: outage)
        let drivers = Drivers(machine: machine)
        observer = Observer(drivers: drivers, table: table, reporter: reporter, watcher: watcher, log: log)
        monitor = Monitor(
            store: store,
            identity: Monitor.Identity(
                server: configuration.server, root: machine.root.path, version: configuration.version),
            interval: configuration.interval, disk: DiskProbe(path: machine.root.path), standing: standing,
            outage: outage)
        let packageLane = AsyncLane()
        runs = RunExecutor(
            store: store,
            runner: RunRunner(machine: machine, server: configuration.server) { [observer] id in
                observer.table.doubtHealth(of: id)
                observer.hurryChecks(of: id)
            },
            most: configuration.runs, timing: configuration.timing, standing: standing, outage: outage, log: log,
            nonce: agent.nonce(Self.nonce()), packageLane: packageLane)
        executor = Executor(
            store: store, observer: observer, reporter: reporter,
            runner: JobRunner(drivers: drivers, table: table, server: configuration.server),
            timing: configuration.timing, standing: standing, outage: outage, log: log, nonce: Self.nonce(),
            packageLane: packageLane, onHint: { [runs] in runs.wake() },
            onNewAssignments: { [monitor] in monitor.reportAllNow() },
            onReportInterval: { [monitor] in monitor.report(every: $0) })
    }

    private static func parts(
        _ configuration: AgentConfiguration, state: StateFolder, ledger: Ledger, log: Logger
    ) throws(StepError) -> (machine: Machine, watcher: Watcher) {
        do throws(SystemError) {
            let root = try RootFolder(configuration.root)
            let watcher = try Watcher(root: root, log: log)
            let names = OwnerNames()
            let supervisor = Supervisor(root: root, state: state, ledger: ledger, names: names) { handle, key in
                watcher.watch(handle, key)
            }
            let machine = Machine(
                root: root, state: state, ledger: ledger, names: names, digests: DigestCache(), supervisor: supervisor)
            return (machine, watcher)
        } catch {
            throw error.step
        }
    }

    /// Tells this life of the agent from every other.
    private static func nonce() -> String {
        String(UInt64.random(in: .min ... .max), radix: 16)
    }

    package func run() async throws {
        AptPackages(machine: machine).removeStalePolicy()
        let fallen = machine.supervisor.adopt()
        log.info(
            "the agent runs",
            metadata: [
                "server": "\(configuration.server)", "root": "\(machine.root.path)", "state": "\(configuration.state)",
                "services": "\(machine.supervisor.keys.count)",
            ])
        await cancelWhenGracefulShutdown { await self.work(fallen) }
        watcher.close()
        if configuration.stopServicesOnExit { await machine.supervisor.stopAll() }
        lock.release()
        log.info("the agent has ended")
    }

    private func work(_ fallen: [ServiceKey]) async {
        // The last assignments, so that what they say of services and files holds before the store answers.
        await observer.assign(machine.state.loadAssignments(), confirmed: false)
        await withDiscardingTaskGroup { group in
            group.addTask { await self.monitor.run() }
            group.addTask { await self.executor.run() }
            group.addTask { await self.runs.run() }
            group.addTask { await self.observer.run() }
            group.addTask { await self.machine.state.left.run() }
            group.addTask { await self.startAgain(fallen) }
            group.addTask { for await _ in self.standing.returns { self.sayAllAnew() } }
        }
    }

    /// Another agent has spoken for the server meanwhile.
    private func sayAllAnew() {
        observer.table.forgetAllReported()
        reporter.wake()
        monitor.reportAllNow()
        executor.lookAgain()
        runs.wake()
    }

    /// How long services whose process is gone wait for the store's word that this agent stands for the server.
    private static let wordPatience: Duration = .seconds(1)

    /// In a copied image the services of another machine look like that.
    private func startAgain(_ fallen: [ServiceKey]) async {
        guard !fallen.isEmpty else { return }
        await standing.settled(within: Self.wordPatience)
        await withDiscardingTaskGroup { group in
            for key in fallen { group.addTask { await self.observer.startAgain(key, after: .zero) } }
        }
    }
}
