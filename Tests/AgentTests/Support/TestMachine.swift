// What drivers work with, in a folder of a test, without an agent around it.

import Agent

enum TestMachine {
    /// Nobody watches its services. `end`: another way of ending a process.
    static func make(
        in folder: Folder, end: (@Sendable (ProcessHandle, Duration) -> Bool)? = nil
    ) throws -> Machine {
        Disk.makeFolders(folder.path + "/root")
        let root = try RootFolder(folder.path + "/root")
        let state = try StateFolder(folder.path + "/state")
        let ledger = try Ledger(path: state.ledgerPath)
        let names = OwnerNames()
        let supervisor =
            if let end {
                Supervisor(root: root, state: state, ledger: ledger, names: names, watch: { _, _ in }, end: end)
            } else {
                Supervisor(root: root, state: state, ledger: ledger, names: names, watch: { _, _ in })
            }
        return Machine(
            root: root, state: state, ledger: ledger, names: names, digests: DigestCache(), supervisor: supervisor)
    }
}
