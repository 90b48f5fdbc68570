// Manifests on disk.

internal import Glibc

extension ManifestSource {
    /// Reads a manifest file; its sources are read from its folder.
    public init(file path: String) throws(SourceFailure) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        self.init(name: path, text: try DiskFile.bytes(path, limit: ManifestLimits.manifestSize)) {
            (name, limit) throws(SourceFailure) in
            try DiskFile.bytes(folder + name, limit: limit)
        }
    }
}

enum DiskFile {
    /// The bytes of a regular file, of a larger one the first `limit + 1`.
    static func bytes(_ path: String, limit: Int) throws(SourceFailure) -> [UInt8] {
        // Not blocking, should it be a pipe that nobody writes to.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw failure(errno) }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw failure(errno) }
        guard facts.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= limit {
            let count = read(descriptor, &chunk, min(chunk.count, limit + 1 - bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(errno) }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    private static func failure(_ code: Int32) -> SourceFailure {
        code == ENOENT || code == ENOTDIR ? .notFound : .unreadable(String(cString: strerror(code)))
    }
}
