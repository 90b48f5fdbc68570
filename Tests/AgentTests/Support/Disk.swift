// Files as a test wants them: short, and without Foundation.

import Agent
import Glibc

enum Disk {
    static func makeFolders(_ path: String) {
        for folder in RootFolder.ancestors(of: path).dropFirst() + [path] { mkdir(folder, 0o755) }
    }

    static func write(_ text: String, to path: String) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        precondition(file >= 0, "cannot write \(path)")
        defer { close(file) }
        let bytes = Array(text.utf8)
        precondition(Glibc.write(file, bytes, bytes.count) == bytes.count, "cannot write \(path)")
    }

    static func text(_ path: String) -> String? { readSmallText(path) }

    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    static func size(_ path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    static func mode(_ path: String) -> Int {
        var status = stat()
        return lstat(path, &status) == 0 ? Int(status.st_mode & 0o7777) : -1
    }

    /// The names in a folder.
    static func names(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func removeTree(_ path: String) {
        for name in names(path) {
            let child = "\(path)/\(name)"
            if unlink(child) != 0 { removeTree(child) }
        }
        rmdir(path)
    }

    static func ledgerState(_ path: String) throws -> LedgerState {
        Ledger.read(readSmallFile(path, limit: 64 << 20) ?? []).state
    }

    /// Starts a process that nobody waits for.
    static func start(_ command: [String]) -> ProcessIdentity? {
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        guard posix_spawn(&pid, command[0], nil, nil, &arguments, nil) == 0 else { return nil }
        return ProcessTable.identity(of: pid)
    }
}
