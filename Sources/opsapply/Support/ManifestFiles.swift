// From what was typed to bytes: files, folders (every `*.json` in them, without subfolders, because those hold the files
// that manifests name as `source`), and `-` for standard input.

internal import ArgumentParser
internal import Glibc
internal import Manifests
internal import Output

enum ManifestFiles {
    /// The largest manifest that is read from standard input.
    static let maximumBytes = 16 << 20

    /// Reads them all, in order; what cannot be read stands for itself, and does not hide what is wrong with the others.
    static func read(_ paths: [String]) -> [Result<ManifestSource, ManifestError>] {
        paths.flatMap { path in
            do throws(ManifestError) { return try expand(path).map(source) } catch { return [.failure(error)] }
        }
    }

    private static func expand(_ path: String) throws(ManifestError) -> [String] {
        var info = stat()
        guard path != "-" else { return [path] }
        guard stat(path, &info) == 0 else {
            guard errno == ENOENT else { throw ManifestError(file: path, message: systemText(errno)) }
            throw ManifestError(file: path, message: "no such file", hint: hint(forMissing: path))
        }
        guard info.st_mode & S_IFMT == S_IFDIR else { return [path] }
        let folder = path.hasSuffix("/") ? path : path + "/"
        let files = try entries(of: folder).filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.sorted()
        guard !files.isEmpty else {
            throw ManifestError(file: path, message: "no *.json file in this folder (subfolders are not read)")
        }
        return files.map { folder + $0 }
    }

    /// A word that is no file may have been meant as a command.
    private static func hint(forMissing path: String) -> String {
        guard path.allSatisfy({ $0.isLetter }) else { return "check the path" }
        let commands = OpsApply.configuration.subcommands.map { $0._commandName }
        guard let nearest = Nearest.name(to: path, among: commands) else {
            return "and no command of that name: see opsapply --help"
        }
        return "did you mean the command \(nearest)?"
    }

    private static func entries(of folder: String) throws(ManifestError) -> [String] {
        guard let handle = opendir(folder) else { throw ManifestError(file: folder, message: systemText(errno)) }
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

    private static func source(_ path: String) -> Result<ManifestSource, ManifestError> {
        do throws(ManifestError) {
            guard path != "-" else { return .success(try standardInput()) }
            do throws(SourceFailure) { return .success(try ManifestSource(file: path)) } catch {
                throw ManifestError(file: path, message: words(error))
            }
        } catch { return .failure(error) }
    }

    private static func words(_ failure: SourceFailure) -> String {
        switch failure {
        case .notFound: "no such file"
        case .notAFile: "not a regular file; give - for standard input"
        case .unreadable(let why): why
        }
    }

    /// Its sources are read from the folder that opsapply runs in.
    private static func standardInput() throws(ManifestError) -> ManifestSource {
        ManifestSource(name: "-", text: try standardInputBytes()) { (relative, _) throws(SourceFailure) in
            try ManifestSource(file: relative).text
        }
    }

    private static func standardInputBytes() throws(ManifestError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= maximumBytes {
            let count = Glibc.read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw ManifestError(file: "-", message: systemText(errno)) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
        throw ManifestError(file: "-", message: "larger than \(maximumBytes >> 20) MiB")
    }
}

/// The system's words for an error number.
func systemText(_ number: Int32) -> String { String(cString: strerror(number)) }
