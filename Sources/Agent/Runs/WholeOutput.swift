// A file that a program's standard output becomes, whole or not at all: it is written beside the target under a name of
// its job, and moved to it when the program has ended well.

internal import CLinux
internal import Glibc
internal import Model

struct WholeOutput {
    private let path: String
    private let temporary: String

    /// `path` is one of a command: with or without the root before it.
    init(_ path: String, run: String, _ machine: Machine) {
        self.path = machine.root.insidePath(path)
        // Two jobs with one target do not meet.
        temporary = RootFolder.temporaryName(for: "\(run) \(self.path)")
    }

    final class Open {
        let place: WholeOutput
        let file: OpenFile
        init(_ place: WholeOutput, _ file: consuming OpenFile) {
            self.place = place
            self.file = file
        }
    }

    /// The file to write to. Only its owner can read it: the user that the program runs as.
    static func make(_ path: String, run: String, user: String?, _ machine: Machine) throws(StepError) -> Open {
        let place = WholeOutput(path, run: run, machine)
        let owner = try user.map { name throws(StepError) in try machine.names.identity(name) }
        do throws(SystemError) {
            let folder = try place.folder(machine.root)
            unlinkat(folder.number, place.temporary, 0)
            let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
            let number = openat(folder.number, place.temporary, flags, 0o600)
            guard number >= 0 else { throw SystemError(code: errno, "cannot write in \(RootFolder.parent(of: path))") }
            let file = OpenFile(owning: number)
            if let owner, fchown(number, owner.uid, owner.gid) != 0 {
                throw SystemError(code: errno, "cannot give \(path) to \(user ?? "")")
            }
            return Open(place, file)
        } catch let error {
            throw error.step
        }
    }

    /// Moves it to its target, on the disk when this returns. Once it is there, this changes nothing.
    func keep(_ root: RootFolder) throws(StepError) {
        do throws(SystemError) {
            let folder = try folder(root)
            let number = openat(folder.number, temporary, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
            if number < 0, errno == ENOENT { return }
            guard number >= 0 else { throw SystemError(code: errno, "cannot open what becomes \(root.hostPath(path))") }
            try OpenFile(owning: number).sync(for: root.hostPath(path))
            let code = redops_rename(folder.number, temporary, folder.number, RootFolder.name(of: path), 0)
            guard code == 0 else { throw SystemError(code: -code, "cannot replace \(root.hostPath(path))") }
            try folder.sync(for: root.hostPath(path))
        } catch let error {
            throw error.step
        }
    }

    func discard(_ root: RootFolder) {
        guard let folder = try? folder(root) else { return }
        unlinkat(folder.number, temporary, 0)
    }

    private func folder(_ root: RootFolder) throws(SystemError) -> OpenFile {
        try root.open(RootFolder.parent(of: path), O_RDONLY | O_DIRECTORY)
    }
}
