// What the tests need of the system: a folder that goes away, and the output of a program.

import Glibc
import Manifests

final class TemporaryFolder {
    let path: String
    private var files: [String] = []

    init() throws {
        var template = Array("/tmp/redops-manifests-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SourceFailure.unreadable("mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for file in files { unlink(file) }
        rmdir(path)
    }

    /// The path of a new file.
    func file(_ name: String) -> String {
        files.append("\(path)/\(name)")
        return "\(path)/\(name)"
    }

    func write(_ text: String, to name: String) throws -> String {
        let path = file(name)
        guard let stream = fopen(path, "w") else { throw SourceFailure.unreadable(path) }
        fputs(text, stream)
        fclose(stream)
        return path
    }
}

enum Child {
    struct Failed: Error, CustomStringConvertible {
        var description: String
    }

    /// The standard output of a program that exits with 0.
    static func output(_ command: [String], in folder: TemporaryFolder) throws -> String {
        let output = folder.file("output")
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var child: pid_t = 0
        guard posix_spawnp(&child, command[0], &actions, nil, &arguments, environ) == 0 else {
            throw Failed(description: "cannot start \(command[0])")
        }
        var status: Int32 = 0
        waitpid(child, &status, 0)
        guard status == 0 else {
            throw Failed(
                description: "\(command[0]) ended with status \(status); is there a python with jsonschema in it?")
        }
        return String(decoding: try ManifestSource(file: output).text, as: UTF8.self)
    }
}
