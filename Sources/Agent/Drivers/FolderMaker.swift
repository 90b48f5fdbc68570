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

    /// Removes the folders that were made above steps' files, deepest first, where they are empty now. Returns what hands
    /// the others on: to who is asked to have that folder, or has made something in it.
    func removeParents(of instance: InstanceID, wantedBy: (FieldKey) -> InstanceID?) -> [LedgerEntry] {
        let all = machine.ledger.read { $0.made }
        let folders = (all[instance] ?? [:]).filter { $0.value == .parent }.keys
        return folders.sorted(by: >).compactMap { folder in
            var heir = wantedBy(folder)
            if heir == nil, (try? machine.root.remove(folder.name, flags: AT_REMOVEDIR)) == nil {
                heir = all.filter { $0.key != instance && $0.value.keys.contains { Self.is($0, in: folder) } }.keys
                    .min()
            }
            return heir.map { .made($0, folder, .parent) }
        }
    }

    private static func `is`(_ key: FieldKey, in folder: FieldKey) -> Bool {
        (key.kind == .file || key.kind == .directory) && key.name.hasPrefix(folder.name + "/")
    }
}
