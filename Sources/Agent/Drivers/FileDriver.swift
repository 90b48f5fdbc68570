// A file: content, mode, owner. Written beside its place, synced, and moved there: whoever looks sees the old or the new
// file, whole, also after a power loss; a disk that is full leaves the old one as it was.

internal import CLinux
internal import Glibc
internal import Model

struct FileDriver: Driver {
    let machine: Machine

    func observe(_ target: FieldTarget, reader: PathReader) throws(StepError) -> String {
        var size: Int?
        if case .file(let render)? = target.spec { size = render.size }
        do throws(SystemError) {
            return try reader.fileValue(target.key.name, expectedSize: size)
        } catch {
            throw error.step
        }
    }

    func apply(_ target: FieldTarget, _ context: StepContext) throws(StepError) {
        guard case .file(let render)? = target.spec, let content = render.content else { throw target.mismatch() }
        guard Digest.sha256(content) == render.digest else {
            throw .impossible("\(target.key): the content that came with the step is not that of its digest")
        }
        let path = target.key.name
        let owner = try OwnerNumbers(render.ownership, names: machine.names)
        try FolderMaker(machine: machine).makeParents(of: path, for: target.instance)
        let found = try status(path)
        if found?.kind == S_IFDIR {
            throw .impossible("\(machine.root.hostPath(path)) is a folder and should be a file: move it away")
        }
        if found != nil, try isAsDesired(target, render) { return }
        if found != nil { return try write(content, to: target, render.ownership, owner, over: found) }
        try machine.making(target, as: .step) { () throws(StepError) in
            try status(path) != nil
        } by: { () throws(StepError) in
            try write(content, to: target, render.ownership, owner, over: nil)
        }
    }

    private func write(
        _ content: [UInt8], to target: FieldTarget, _ ownership: Ownership, _ owner: OwnerNumbers,
        over found: PathStatus?
    ) throws(StepError) {
        let path = target.key.name
        // What has no wanted owner keeps the one that it has.
        let kept = found?.kind == S_IFREG ? found?.status : nil
        machine.digests.forget(path)
        do throws(SystemError) {
            try machine.root.replaceFile(
                path, content: content, mode: ownership.mode, uid: owner.uid ?? kept?.st_uid,
                gid: owner.gid ?? kept?.st_gid)
        } catch {
            if error.code == ENOSPC || error.code == EDQUOT {
                throw .failed("\(error): nothing was changed; make room on that file system")
            }
            throw error.step
        }
    }

    private func status(_ path: String) throws(StepError) -> PathStatus? {
        do throws(SystemError) {
            return try machine.reader().status(of: path)
        } catch {
            throw error.step
        }
    }

    private func isAsDesired(_ target: FieldTarget, _ render: FileRender) throws(StepError) -> Bool {
        let value = try observe(target, reader: machine.reader())
        let head = "sha256:\(render.digest) \(FieldValue.octal(render.ownership.mode))"
        return Expectation.owned(head: head, owner: render.ownership.owner, group: render.ownership.group)
            .isMet(by: value)
    }

    func remove(_ target: FieldTarget, _ context: StepContext) throws(StepError) {
        let path = target.key.name
        guard machine.made(target) == .step else {
            return context.note("kept \(path): this agent did not make it")
        }
        if let found = try status(path), found.kind != S_IFREG {
            context.note("kept \(path): it is not the file that this agent made")
        } else {
            do throws(SystemError) {
                _ = try machine.root.remove(path, flags: 0)
            } catch {
                throw error.step
            }
        }
        try machine.ledger.append([.unmade(target.instance, target.key)])
    }
}
