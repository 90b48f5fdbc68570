// Changes inside the root folder. Each is atomic for whoever looks and durable when the call returns.

internal import CLinux
internal import Glibc
internal import Model

/// Whom a file or folder shall belong to.
struct OwnerNumbers {
    var uid: uid_t?
    var gid: gid_t?

    init(_ ownership: Ownership, names: OwnerNames) throws(StepError) {
        uid = try ownership.owner.map { name throws(StepError) in try names.uid(name) }
        gid = try ownership.group.map { name throws(StepError) in try names.gid(name) }
    }
}

extension RootFolder {
    /// Replaces what is at `path`, or makes it, in one move.
    func replaceFile(_ path: String, content: [UInt8], mode: Int, uid: uid_t?, gid: gid_t?) throws(SystemError) {
        let folder = try open(Self.parent(of: path), O_RDONLY | O_DIRECTORY)
        let temporary = Self.temporaryName(for: path)
        unlinkat(folder.number, temporary, 0)
        do throws(SystemError) {
            try writeTemporary(folder, temporary, path, content: content, mode: mode, uid: uid, gid: gid)
            let code = redops_rename(folder.number, temporary, folder.number, Self.name(of: path), 0)
            guard code == 0 else { throw SystemError(code: -code, "cannot replace \(hostPath(path))") }
        } catch let error {
            unlinkat(folder.number, temporary, 0)
            throw error
        }
        try folder.sync(for: hostPath(path))
    }

    /// Hidden, in the same folder, the same for every try: what a crash left behind is taken away by the next.
    static func temporaryName(for path: String) -> String {
        ".redops-\(Digest.sha256(Array(path.utf8)).prefix(16)).tmp"
    }

    private func writeTemporary(
        _ folder: borrowing OpenFile, _ name: String, _ path: String, content: [UInt8], mode: Int, uid: uid_t?,
        gid: gid_t?
    ) throws(SystemError) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        let number = openat(folder.number, name, flags, 0o600)
        guard number >= 0 else { throw SystemError(code: errno, "cannot write in \(Self.parent(of: hostPath(path)))") }
        let file = OpenFile(owning: number)
        try file.writeAll(content, for: hostPath(path))
        try setOwner(file, path, mode: mode, uid: uid, gid: gid)
        try file.sync(for: hostPath(path))
    }

    /// Owner first: changing it clears the set-user-id bit.
    func setOwner(
        _ file: borrowing OpenFile, _ path: String, mode: Int, uid: uid_t?, gid: gid_t?
    ) throws(SystemError) {
        if uid != nil || gid != nil {
            guard fchown(file.number, uid ?? uid_t.max, gid ?? gid_t.max) == 0 else {
                throw SystemError(code: errno, "cannot change the owner of \(hostPath(path))")
            }
        }
        guard fchmod(file.number, mode_t(mode)) == 0 else {
            throw SystemError(code: errno, "cannot change the mode of \(hostPath(path))")
        }
    }

    /// Makes one folder in a folder that exists. Whether there was none before.
    func makeFolder(_ path: String, mode: mode_t) throws(SystemError) -> Bool {
        let parent = try open(Self.parent(of: path), O_RDONLY | O_DIRECTORY)
        guard mkdirat(parent.number, Self.name(of: path), mode) == 0 else {
            if errno == EEXIST { return false }
            throw SystemError(code: errno, "cannot make the folder \(hostPath(path))")
        }
        try parent.sync(for: hostPath(path))
        return true
    }

    /// Removes what is at a path; `flags` is AT_REMOVEDIR for a folder. False if nothing was there.
    func remove(_ path: String, flags: Int32) throws(SystemError) -> Bool {
        let parent: OpenFile
        do throws(SystemError) {
            parent = try open(Self.parent(of: path), O_RDONLY | O_DIRECTORY)
        } catch let error {
            if error.code == ENOENT || error.code == ENOTDIR { return false }
            throw error
        }
        guard unlinkat(parent.number, Self.name(of: path), flags) == 0 else {
            if errno == ENOENT { return false }
            throw SystemError(code: errno, "cannot remove \(hostPath(path))")
        }
        try parent.sync(for: hostPath(path))
        return true
    }
}
