// What drivers work with, in a folder of a test, without an agent around it.

import Agent

enum TestMachine {
    /// `watch`: told of every process of a service.
    static func make(
        in folder: Folder, watch: @escaping @Sendable (ProcessHandle, ServiceKey) -> Void = { _, _ in }
    ) throws -> Machine {
        Disk.makeFolders(folder.path + "/root")
        let root = try RootFolder(folder.path + "/root")
        let state = try StateFolder(folder.path + "/state")
        let ledger = try Ledger(path: state.ledgerPath)
        let names = OwnerNames()
        let supervisor = Supervisor(root: root, state: state, ledger: ledger, names: names, watch: watch)
        return Machine(
            root: root, state: state, ledger: ledger, names: names, digests: DigestCache(), supervisor: supervisor)
    }
}
