// A folder that a server may fill, and its removal, without Foundation.

internal import Glibc

/// Makes an empty folder. The path is short, as a unix socket's must be.
public func makeFolder() throws -> String {
    var template = Array("/tmp/redops-redis.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
        throw SpawnFailure(description: "cannot make a folder in /tmp: \(String(cString: strerror(errno)))")
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Removes a folder with all that is in it, without following links.
public func removeFolder(_ path: String) -> Bool {
    guard let folder = opendir(path) else { return false }
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
            name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        guard name != ".", name != ".." else { continue }
        let child = "\(path)/\(name)"
        if unlink(child) != 0 { _ = removeFolder(child) }
    }
    closedir(folder)
    return rmdir(path) == 0
}

/// A file's text; empty if it cannot be read.
public func readText(_ path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = fread(&chunk, 1, chunk.count, file)
        guard count > 0 else { break }
        bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// Writes a file.
func writeText(_ text: String, to path: String) throws {
    guard let file = fopen(path, "w") else {
        throw SpawnFailure(description: "cannot write \(path): \(String(cString: strerror(errno)))")
    }
    fputs(text, file)
    fclose(file)
}
