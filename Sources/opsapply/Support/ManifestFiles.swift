// From what was typed to bytes: files, folders (every `*.json` in them, without subfolders, because those hold the files
// that manifests name as `source`), and `-` for standard input.

internal import Glibc
internal import Manifests
internal import Output

enum ManifestFiles {
    /// The largest manifest that is read from standard input.
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
        guard stat(path, &info) == 0 else {
            let reason = systemText(errno)
            let isWord = path.allSatisfy { $0.isLetter }
            let hint = isWord ? ", and no command of that name; see opsapply --help" : ""
            throw Problem(text: "\(path.printable): \(reason)\(hint)")
        }
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
        guard path != "-" else {
            // Its sources are read from the folder that opsapply runs in.
            return ManifestSource(name: path, text: try standardInput()) { (relative, _) throws(SourceFailure) in
                try ManifestSource(file: relative).text
            }
        }
        do throws(SourceFailure) { return try ManifestSource(file: path) } catch {
            throw Problem(text: "\(path.printable): \(words(error))")
        }
    }

    private static func words(_ failure: SourceFailure) -> String {
        switch failure {
        case .notFound: "no such file"
        case .notAFile: "not a regular file; give - for standard input"
        case .unreadable(let why): why
        }
    }

    private static func standardInput() throws(Problem) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= maximumBytes {
            let count = Glibc.read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Problem(text: "-: \(systemText(errno))") }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
        throw Problem(text: "-: larger than \(maximumBytes >> 20) MiB")
    }
}

/// The system's words for an error number.
func systemText(_ number: Int32) -> String { String(cString: strerror(number)) }
