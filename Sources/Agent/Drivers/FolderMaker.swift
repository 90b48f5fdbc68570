// Folders above what a step makes. Those that were missing belong to the instance and go with it, if nobody else has put
// anything there.

internal import CLinux
internal import Glibc
internal import Model

struct FolderMaker {
    let machine: Machine

    /// Makes the folders above `path` that are missing.
    func makeParents(of path: String, for instance: InstanceID) throws(StepError) {
        for folder in RootFolder.ancestors(of: path).dropFirst() where try !exists(folder) {
            try make(folder, as: .parent, for: instance)
        }
    }

    /// Makes one folder, in the ledger before it is on the disk, and not in it where somebody else was first. One that a
    /// step makes is nobody else's until the step has set its owner and mode.
    func make(_ folder: String, as how: Made, for instance: InstanceID) throws(StepError) {
        let target = FieldTarget(instance: instance, key: FieldKey(.directory, folder), spec: nil)
        var isOurs = false
        try machine.making(target, as: how) { () throws(StepError) in
            try exists(folder)
        } by: { () throws(StepError) in
            do throws(SystemError) {
                isOurs = try machine.root.makeFolder(folder, mode: how == .parent ? 0o755 : 0o700)
            } catch {
                throw error.step
            }
        }
        if !isOurs { try machine.ledger.append([.unmade(instance, target.key)]) }
    }

    private func exists(_ folder: String) throws(StepError) -> Bool {
        do throws(SystemError) {
            _ = try machine.root.open(folder, redops_o_path | O_DIRECTORY)
            return true
        } catch {
            if error.code == ENOENT { return false }
            if error.code == ENOTDIR {
                throw .impossible("\(machine.root.hostPath(folder)) is not a folder: move it away")
            }
            throw error.step
        }
    }

    /// Removes the folders that were made above steps' files, deepest first, where they are empty now.
    func removeParents(of instance: InstanceID) {
        let folders = machine.ledger.read { state in
            (state.made[instance] ?? [:]).filter { $0.value == .parent }.map(\.key.name)
        }
        for folder in folders.sorted(by: >) { _ = try? machine.root.remove(folder, flags: AT_REMOVEDIR) }
    }
}
