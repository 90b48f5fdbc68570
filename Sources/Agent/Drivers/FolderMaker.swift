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
            try machine.ledger.append([.made(instance, FieldKey(.directory, folder), .parent)])
            do throws(SystemError) {
                _ = try machine.root.makeFolder(folder)
            } catch {
                throw error.step
            }
        }
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
