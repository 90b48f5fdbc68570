// Looks at many paths in a row. Sorted paths share their folders, so the folder opened last is kept open: a sweep over
// a thousand files in one folder resolves that folder once.

internal import CLinux
internal import Glibc
internal import Model

/// What is at a path.
struct PathStatus {
    var status: stat

    var kind: mode_t { status.st_mode & S_IFMT }
    var mode: Int { Int(status.st_mode & 0o7777) }
}

/// Not `Sendable`: one reader serves one pass on one thread.
package final class PathReader {
    private let root: RootFolder
    private let names: OwnerNames
    private let digests: DigestCache
    private var folderPath: String?
    private var folder: OpenFolder?

    private final class OpenFolder {
        let file: OpenFile
        init(_ file: consuming OpenFile) { self.file = file }
    }

    package init(root: RootFolder, names: OwnerNames, digests: DigestCache) {
        self.root = root
        self.names = names
        self.digests = digests
    }

    /// What is at the path itself, links not followed; nil if nothing is.
    func status(of path: String) throws(SystemError) -> PathStatus? {
        guard let folder = try openFolder(RootFolder.parent(of: path)) else { return nil }
        var status = stat()
        let name = path == "/" ? "." : RootFolder.name(of: path)
        guard fstatat(folder.file.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw SystemError(code: errno, "cannot look at \(root.hostPath(path))")
        }
        return PathStatus(status: status)
    }

    /// The observed value of a `file:` field. `expectedSize` is the size of what should be there.
    package func fileValue(_ path: String, expectedSize: Int?) throws(SystemError) -> String {
        guard let found = try status(of: path) else { return FieldValue.absent }
        guard found.kind == S_IFREG else { return try otherValue(path, found) }
        let size = Int(found.status.st_size)
        guard size <= Self.largestHashed || size == expectedSize else { return "other file of \(size) bytes" }
        guard let digest = try digest(of: path, found.status) else { return FieldValue.absent }
        return FieldValue.file(
            digest: digest, mode: found.mode, owner: names.user(found.status.st_uid),
            group: names.group(found.status.st_gid))
    }

    /// The observed value of a `directory:` field.
    package func directoryValue(_ path: String) throws(SystemError) -> String {
        guard let found = try status(of: path) else { return FieldValue.absent }
        return try otherValue(path, found)
    }

    /// A file of more than this many bytes cannot be what a manifest carries; it is not read.
    static let largestHashed = 4 * FileSpec.maximumSize

    private func otherValue(_ path: String, _ found: PathStatus) throws(SystemError) -> String {
        let owner = names.user(found.status.st_uid)
        let group = names.group(found.status.st_gid)
        switch found.kind {
        case S_IFDIR: return FieldValue.directory(mode: found.mode, owner: owner, group: group)
        case S_IFREG: return "file \(FieldValue.octal(found.mode)) \(owner):\(group)"
        case S_IFLNK: return "symlink \(try target(of: path))"
        case S_IFIFO: return "other fifo"
        case S_IFSOCK: return "other socket"
        default: return "other device"
        }
    }

    private func target(of path: String) throws(SystemError) -> String {
        guard let folder = try openFolder(RootFolder.parent(of: path)) else { return "" }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlinkat(folder.file.number, RootFolder.name(of: path), &buffer, buffer.count)
        guard count >= 0 else { return "" }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func digest(of path: String, _ found: stat) throws(SystemError) -> String? {
        if let known = digests.digest(of: path, found) { return known }
        guard let folder = try openFolder(RootFolder.parent(of: path)) else { return nil }
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        let number = openat(folder.file.number, RootFolder.name(of: path), flags)
        guard number >= 0 else {
            if errno == ENOENT { return nil }
            throw SystemError(code: errno, "cannot read \(root.hostPath(path))")
        }
        let file = OpenFile(owning: number)
        let hashedAt = DigestCache.now()
        var status = stat()
        guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        let (digest, _) = try Digest.sha256(
            of: file, path: root.hostPath(path), limit: Int(status.st_size))
        digests.remember(digest, of: path, status, hashedAt: hashedAt)
        return digest
    }

    private func openFolder(_ path: String) throws(SystemError) -> OpenFolder? {
        if path == folderPath { return folder }
        do throws(SystemError) {
            folder = OpenFolder(try root.open(path, redops_o_path | O_DIRECTORY))
        } catch let error {
            guard error.code == ENOENT || error.code == ENOTDIR || error.code == ELOOP else { throw error }
            folder = nil
        }
        folderPath = path
        return folder
    }
}
