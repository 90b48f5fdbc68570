// What every kind of field has: a way to look, a way to make it so, and a way to take it back. One file for each kind.
//
// Guarantees that a driver gives: `observe` changes nothing; `apply` may be repeated at any time, after a crash at any
// point, and does nothing where the field is as it should be; `remove` takes away only what this agent made.
// All three run on a thread that may wait, within the deadlines that the driver sets.

package import Model

/// One field of one instance, and what it should be.
package struct FieldTarget: Sendable, Hashable {
    package var instance: InstanceID
    package var key: FieldKey
    /// nil where only the name is known: in a removal, or for what was made under an earlier assignment.
    package var spec: FieldSpec?

    package init(instance: InstanceID, key: FieldKey, spec: FieldSpec?) {
        self.instance = instance
        self.key = key
        self.spec = spec
    }

    func mismatch() -> StepError { .impossible("\(key): the step does not carry what a \(key.kind.rawValue) needs") }
}

package protocol Driver: Sendable {
    /// The observed value (`FieldValue`).
    func observe(_ target: FieldTarget, reader: PathReader) throws(StepError) -> String
    func apply(_ target: FieldTarget, _ context: StepContext) throws(StepError)
    func remove(_ target: FieldTarget, _ context: StepContext) throws(StepError)
}

/// All drivers of one machine, by kind.
package struct Drivers: Sendable {
    private let byKind: [FieldKind: any Driver]
    let machine: Machine

    package init(machine: Machine) {
        self.machine = machine
        byKind = [
            .config: ConfigDriver(machine: machine),
            .package: PackageDriver(machine: machine, manager: AptPackages(machine: machine)),
            .directory: DirectoryDriver(machine: machine),
            .file: FileDriver(machine: machine),
            .command: CommandDriver(machine: machine),
            .service: ServiceDriver(machine: machine),
            .health: HealthDriver(machine: machine),
        ]
    }

    func driver(_ kind: FieldKind) -> any Driver {
        guard let driver = byKind[kind] else { preconditionFailure("every kind of field has a driver: \(kind)") }
        return driver
    }

    /// The observed value; what cannot be observed is an `error: …` value.
    package func observe(_ target: FieldTarget, reader: PathReader) -> String {
        do throws(StepError) {
            return try driver(target.key.kind).observe(target, reader: reader)
        } catch {
            return FieldValue.error(error.text)
        }
    }

    package func reader() -> PathReader { machine.reader() }
}

/// What all drivers work with.
package struct Machine: Sendable {
    package let root: RootFolder
    package let state: StateFolder
    package let ledger: Ledger
    package let names: OwnerNames
    package let digests: DigestCache
    package let supervisor: Supervisor
    /// The root of the package system: that of the host, or `root` where it has a dpkg of its own.
    package let packageRoot: String

    package init(
        root: RootFolder, state: StateFolder, ledger: Ledger, names: OwnerNames, digests: DigestCache,
        supervisor: Supervisor
    ) {
        self.root = root
        self.state = state
        self.ledger = ledger
        self.names = names
        self.digests = digests
        self.supervisor = supervisor
        packageRoot = readSmallFile(root.prefix + DpkgStatus.path, limit: 1) == nil ? "" : root.prefix
    }

    /// Whether other agents, each in a root folder of its own, may have to do with the same packages: then none is removed.
    package var sharesPackages: Bool { packageRoot != root.prefix }

    package func reader() -> PathReader { PathReader(root: root, names: names, digests: digests) }

    func made(_ target: FieldTarget) -> Made? {
        ledger.read { $0.made[target.instance]?[target.key] }
    }

    /// Makes what is not there, in the ledger before it is on the machine; where that failed and nothing is there, not in
    /// the ledger any more: what somebody else makes of it later is not this agent's.
    func making(
        _ target: FieldTarget, as how: Made, isThere: () throws(StepError) -> Bool,
        by make: () throws(StepError) -> Void
    ) throws(StepError) {
        try ledger.append([.made(target.instance, target.key, how)])
        do throws(StepError) {
            try make()
        } catch {
            if error != .cancelled, (try? isThere()) == false {
                try ledger.append([.unmade(target.instance, target.key)])
            }
            throw error
        }
    }
}
