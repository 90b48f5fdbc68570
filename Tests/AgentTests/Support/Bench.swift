// Jobs done one by one on the calling thread, in a temporary root, without a queue: what steps do to a machine.

import Agent
import Model
import Store
import Synchronization

final class Bench: Sendable {
    let folder = Folder()
    let table = ObservedTable()
    let machine: Machine
    private let runner: JobRunner
    private let count = Atomic(0)

    var root: String { folder.path + "/root" }

    static let dpkgStatus = "/var/lib/dpkg/status"

    /// With `dpkg`, the root has packages of its own, and this is what its dpkg knows of them.
    init(dpkg: String? = nil) throws {
        Disk.makeFolders(folder.path + "/root")
        if let dpkg {
            for path in ["/var/lib/dpkg", "/run", "/usr/sbin"] { Disk.makeFolders(folder.path + "/root" + path) }
            Disk.write(dpkg, to: folder.path + "/root" + Self.dpkgStatus)
        }
        let state = try StateFolder(folder.path + "/state")
        let ledger = try Ledger(path: state.ledgerPath)
        let root = try RootFolder(folder.path + "/root")
        let names = OwnerNames()
        let supervisor = Supervisor(root: root, state: state, ledger: ledger, names: names) { _, _ in }
        machine = Machine(
            root: root, state: state, ledger: ledger, names: names, digests: DigestCache(), supervisor: supervisor)
        runner = JobRunner(drivers: Drivers(machine: machine), table: table, server: "server1")
    }

    var made: [InstanceID: [FieldKey: Made]] { machine.ledger.state.made }

    static func id(_ app: String) -> InstanceID { InstanceID(app: app, server: "server1") }

    /// What the next job will be called in the journal.
    var nextJob: String { "j\(count.load(ordering: .relaxed) + 1)-1" }

    /// What the server is asked to observe.
    func assign(_ instances: [String: [DesiredField]]) {
        let assignments = instances.map { app, fields in
            Assignment(id: Self.id(app), generation: 1, digest: "d", fields: fields.sorted { $0.key < $1.key })
        }
        _ = table.assign(assignments, confirmed: true)
    }

    func apply(_ app: String, _ fields: [DesiredField], to server: String = "server1") -> JobOutcome? {
        let steps = fields.sorted { $0.key < $1.key }.map {
            Step(field: $0.key, action: .create, from: nil, to: $0.expectation.text, spec: $0.spec)
        }
        return run(InstanceID(app: app, server: server), digest: "d", steps)
    }

    /// Takes fields back; `all`: with the instance.
    func remove(_ app: String, _ keys: [FieldKey], all: Bool = true) -> JobOutcome? {
        let steps = keys.sorted(by: >).map {
            Step(field: $0, action: .remove, from: nil, to: FieldValue.absent, spec: nil)
        }
        return run(Self.id(app), digest: all ? "" : "d", steps)
    }

    private func run(_ id: InstanceID, digest: String, _ steps: [Step]) -> JobOutcome? {
        let plan = Plan(instance: id, generation: 1, digest: digest, revision: 0, round: 0, steps: steps)
        let number = count.add(1, ordering: .relaxed).newValue
        return runner.run(Job(id: "j\(number)", kind: .apply, epoch: 1, plan: plan), attempt: 1, giveUp: GiveUp())
    }
}

extension JobOutcome {
    /// Why it did not end well; nil if it did.
    var error: String? {
        switch result {
        case .done: nil
        case .failed(let error, _), .dead(let error): error
        }
    }
}
