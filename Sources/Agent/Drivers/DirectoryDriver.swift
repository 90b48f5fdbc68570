// A folder: that it is there, its mode, its owner.

internal import CLinux
internal import Glibc
internal import Model

struct DirectoryDriver: Driver {
    let machine: Machine

    func observe(_ target: FieldTarget, reader: PathReader) throws(StepError) -> String {
        do throws(SystemError) {
            return try reader.directoryValue(target.key.name)
        } catch {
            throw error.step
        }
    }

    func apply(_ target: FieldTarget, _ context: StepContext) throws(StepError) {
        guard case .directory(let ownership)? = target.spec else { throw target.mismatch() }
        let path = target.key.name
        let owner = try OwnerNumbers(ownership, names: machine.names)
        try FolderMaker(machine: machine).makeParents(of: path, for: target.instance)
        switch try kind(path) {
        case nil: try FolderMaker(machine: machine).make(path, as: .step, for: target.instance)
        case S_IFDIR?: break
        default: throw .impossible("\(machine.root.hostPath(path)) is there and is not a folder: move it away")
        }
        do throws(SystemError) {
            let folder = try machine.root.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            try machine.root.setOwner(folder, path, mode: ownership.mode, uid: owner.uid, gid: owner.gid)
        } catch {
            throw error.step
        }
    }

    private func kind(_ path: String) throws(StepError) -> mode_t? {
        do throws(SystemError) {
            return try machine.reader().status(of: path)?.kind
        } catch {
            throw error.step
        }
    }

    func remove(_ target: FieldTarget, _ context: StepContext) throws(StepError) {
        let path = target.key.name
        guard machine.made(target) != nil else {
            return context.note("kept \(path): this agent did not make it")
        }
        do throws(SystemError) {
            _ = try machine.root.remove(path, flags: AT_REMOVEDIR)
        } catch {
            guard let why = Self.reasonToKeep(error) else { throw error.step }
            context.note("kept \(path): \(why)")
            // What is in it may be this instance's own, and go later: then it goes too.
            if error.code != ENOTDIR {
                return try machine.ledger.append([.made(target.instance, target.key, .parent)])
            }
        }
        try machine.ledger.append([.unmade(target.instance, target.key)])
    }

    private static func reasonToKeep(_ error: SystemError) -> String? {
        switch error.code {
        case ENOTEMPTY, EEXIST: "there is something in it"
        case ENOTDIR: "it is no folder any more"
        case EBUSY: "it is a mount point"
        default: nil
        }
    }
}
