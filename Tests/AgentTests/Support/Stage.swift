// One real agent in a temporary root, over the in-memory store, and the smallest controller there can be: the pure
// reconciler, asked again and again. What is tested is the agent; what it is told comes from the code that will tell it.

import Agent
import Glibc
import Logging
import Model
import Reconcilers
import Store
import Synchronization
import TestRedis

/// A folder that is gone when the test is over.
final class Folder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/redops-agent.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { preconditionFailure("no folder in /tmp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Disk.removeTree(path) }
}

func wallClock() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
}

extension Stage where Store == InMemoryStore {
    convenience init() async throws { try await self.init(store: InMemoryStore(clock: wallClock)) }
}

let quiet = Logger(label: "agent-tests") { _ in SwiftLogNoOpLogHandler() }

final class Stage<Store: OperationsStore>: Sendable {
    let store: Store
    let folder: Folder
    let id: InstanceID
    let lease: Lease
    private let life = Mutex<Task<Void, any Error>?>(nil)
    private let wanted = Mutex<(desired: DesiredInstance?, removal: RemovalAuthority?)>((nil, nil))

    var root: String { folder.path + "/root" }
    var state: String { folder.path + "/state" }

    init(store: Store, app: String? = "webapp") async throws {
        self.store = store
        folder = Folder()
        id = InstanceID(app: app, server: "server1")
        guard
            case .acquired(let lease) = try await store.acquireLease(
                holder: "test", nonce: "test", ttl: .seconds(600), mayPreempt: false)
        else { preconditionFailure("nobody else holds the lease of this store") }
        self.lease = lease
        try await store.seal(lease)
        Disk.makeFolders(root)
    }

    /// Another instance on the same server; the agent is this one's.
    func neighbour(_ app: String) -> Stage { Stage(beside: self, app: app) }

    private init(beside other: Stage, app: String) {
        store = other.store
        folder = other.folder
        id = InstanceID(app: app, server: other.id.server)
        lease = other.lease
    }

    func configuration(lease: Duration = .seconds(10)) -> AgentConfiguration {
        var configuration = AgentConfiguration(server: id.server, root: root, state: state, version: "test")
        configuration.timing.lease = lease
        configuration.timing.wait = .milliseconds(500)
        return configuration
    }

    /// Runs an agent while the body runs. Services that it started are ended afterwards, whatever happened.
    func withAgent(
        _ configuration: AgentConfiguration? = nil, log: Logger = quiet, _ body: () async throws -> Void
    ) async throws {
        try start(configuration, log: log)
        do {
            try await body()
        } catch {
            await end()
            throw error
        }
        await end()
    }

    func start(_ configuration: AgentConfiguration? = nil, log: Logger = quiet) throws {
        let agent = try AgentService(configuration ?? self.configuration(), store: store, log: log)
        life.withLock { $0 = Task { try await agent.run() } }
    }

    /// Ends the agent; its services go on.
    func stop() async {
        let task = life.withLock { life in
            defer { life = nil }
            return life
        }
        task?.cancel()
        _ = await task?.result
    }

    private func end() async {
        await stop()
        for record in (try? Ledger(path: state + "/journal"))?.state.services.values.map({ $0 }) ?? [] {
            kill(-record.process.pid, SIGKILL)
        }
    }

    // MARK: the smallest controller

    func desire(_ fields: [DesiredField], generation: Int = 1) {
        let desired = DesiredInstance(
            id: id, generation: generation, digest: Self.digest(fields, generation),
            fields: fields.sorted { $0.key < $1.key })
        wanted.withLock { $0 = (desired, nil) }
    }

    func desireNothing() {
        wanted.withLock { $0 = (nil, .deleted(by: "test")) }
    }

    static func digest(_ fields: [DesiredField], _ generation: Int) -> String {
        var value: UInt64 = 14_695_981_039_346_656_037
        for byte in "\(generation)\(fields.map { "\($0)" })".utf8 {
            value = (value ^ UInt64(byte)) &* 1_099_511_628_211
        }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Decides and commits once, as the leader would; returns the phase.
    @discardableResult
    func decide() async throws -> InstancePhase {
        let snapshot = try await store.instance(id)
        let (desired, removal) = wanted.withLock { $0 }
        let control = snapshot.control
        let input = ReconcileInput(
            id: id, desired: desired, removal: removal, assignment: control?.assignment, observed: snapshot.observed,
            openJob: control?.openJob, round: control?.round.round ?? 0, roundEndedAt: control?.round.endedAt,
            roundError: control?.round.error, roundGeneration: control?.round.generation ?? 0,
            drift: control?.drift ?? [:], metDigest: control?.metDigest ?? "", gates: Gates(),
            wasRemoving: control?.phase == .removing)
        let outcome = Reconciler.reconcile(input, now: wallClock())
        let job = outcome.emit.map { Job(id: outcome.jobID ?? "", kind: .apply, epoch: lease.epoch, plan: $0) }
        var commit = InstanceCommit(
            id: id, expectedRevision: snapshot.observed?.revision ?? 0, expectedOpenJob: control?.openJob,
            phase: outcome.phase, message: outcome.message, job: job, cancelUnstarted: outcome.cancelUnstarted,
            driftOpened: outcome.driftOpened, driftRepaired: outcome.driftRepaired, metDigest: outcome.metDigest)
        switch outcome.assignment {
        case .keep: commit.assignment = .keep
        case .set(let assignment): commit.assignment = .set(assignment)
        case .remove: commit.assignment = .remove
        }
        guard Self.says(commit, more: control) else { return outcome.phase }
        do throws(StoreError) {
            try await store.commit(commit, lease: lease)
        } catch {
            guard case .conflict = error else { throw error }
        }
        return outcome.phase
    }

    private static func says(_ commit: InstanceCommit, more control: InstanceControl?) -> Bool {
        commit.assignment != .keep || commit.job != nil || !commit.driftOpened.isEmpty || !commit.driftRepaired.isEmpty
            || commit.metDigest != control?.metDigest || commit.phase != control?.phase
    }

    /// Decides until the condition holds.
    func settle(within limit: Duration = .seconds(20), until done: () async throws -> Bool) async throws -> Bool {
        try await eventually(within: limit) {
            try await decide()
            return try await done()
        }
    }

    func becomesReady(within limit: Duration = .seconds(20)) async throws -> Bool {
        try await settle(within: limit) { try await decide() == .ready }
    }

    /// Decides until a job has failed; returns why.
    func failure() async throws -> String? {
        var why: String?
        _ = try await settle {
            why = try await store.jobs(server: id.server, limit: 10).filter { $0.job.plan.instance == id }
                .compactMap(\.error).first
            return why != nil
        }
        return why
    }

    // MARK: looking

    var observed: [FieldKey: String] {
        get async throws { try await store.instance(id).observed?.fields ?? [:] }
    }

    /// Whether the agent has answered the assignment.
    var isObserved: Bool {
        get async throws { try await store.instance(id).observed?.digest.isEmpty == false }
    }

    func sees(_ key: FieldKey, _ value: String, within limit: Duration = .seconds(10)) async throws -> Bool {
        try await eventually(within: limit) { try await observed[key] == value }
    }

    /// The last process of a service, from the agent's journal.
    func process(of service: String) -> ProcessIdentity? {
        (try? Disk.ledgerState(state + "/journal"))?.services[ServiceKey(id, service)]?.process
    }
}
