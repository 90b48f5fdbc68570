// From what was typed to bytes: files, folders (every `*.json` in them, without subfolders, because those hold the files
// that manifests name as `source`), and `-` for standard input.

internal import Glibc
internal import Manifests
internal import Output

enum ManifestFiles {
    /// The largest manifest that is read.
    static let maximumBytes = 16 << 20

    /// Reads them all; everything that cannot be read is told at once.
    static func read(_ paths: [String]) throws(CommandFailure) -> [ManifestSource] {
        var sources: [ManifestSource] = []
        var problems: [String] = []
        for path in paths {
            do throws(Problem) {
                for file in try expand(path) {
                    do throws(Problem) { sources.append(try source(file)) } catch { problems.append(error.text) }
                }
            } catch { problems.append(error.text) }
        }
        guard problems.isEmpty else { throw CommandFailure(problems) }
        return sources
    }

    private struct Problem: Error { var text: String }

    private static func expand(_ path: String) throws(Problem) -> [String] {
        var info = stat()
        guard path != "-" else { return [path] }
        guard stat(path, &info) == 0 else { throw Problem(text: "\(path.printable): \(systemText(errno))") }
        guard info.st_mode & S_IFMT == S_IFDIR else { return [path] }
        let folder = path.hasSuffix("/") ? path : path + "/"
        let files = try entries(of: folder).filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.sorted()
        guard !files.isEmpty else {
            throw Problem(text: "\(path.printable): no *.json file in this folder (subfolders are not read)")
        }
        return files.map { folder + $0 }
    }

    private static func entries(of folder: String) throws(Problem) -> [String] {
        guard let handle = opendir(folder) else { throw Problem(text: "\(folder.printable): \(systemText(errno))") }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names
    }

    private static func source(_ path: String) throws(Problem) -> ManifestSource {
        let text: [UInt8]
        do throws(SourceFailure) {
            text = try contents(of: path == "-" ? "/dev/stdin" : path, limit: maximumBytes)
        } catch {
            throw Problem(text: "\(path.printable): \(words(error))")
        }
        guard text.count <= maximumBytes else {
            throw Problem(text: "\(path.printable): larger than \(maximumBytes >> 20) MiB")
        }
        let folder =
            path == "-"
            ? "" : String(path[..<(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)])
        return ManifestSource(name: path, text: text) { (relative, limit) throws(SourceFailure) in
            try contents(of: folder + relative, limit: limit, regular: true)
        }
    }

    private static func words(_ failure: SourceFailure) -> String {
        switch failure {
        case .notFound: "no such file"
        case .notAFile: "not a regular file"
        case .unreadable(let why): why
        }
    }

    /// Reads up to `limit + 1` bytes.
    private static func contents(of path: String, limit: Int, regular: Bool = false) throws(SourceFailure) -> [UInt8] {
        let descriptor = path == "/dev/stdin" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw errno == ENOENT || errno == ENOTDIR ? .notFound : .unreadable(systemText(errno))
        }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw .unreadable(systemText(errno)) }
        if regular, info.st_mode & S_IFMT != S_IFREG { throw .notAFile }
        if info.st_mode & S_IFMT == S_IFDIR { throw .notAFile }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= limit {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                poll(&ready, 1, -1)
                continue
            }
            guard count >= 0 else { throw .unreadable(systemText(errno)) }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return bytes.count > limit + 1 ? Array(bytes[...limit]) : bytes
    }
}

/// The system's words for an error number.
func systemText(_ number: Int32) -> String { String(cString: strerror(number)) }
