// Finding programs: beside this very one first, so that a build's own parts work together, then in PATH.

internal import Glibc
internal import Output

enum Program {
    /// The path of a program, or one line that says what to do.
    static func find(_ name: String, orDo advice: String) throws(CommandFailure) -> String {
        for folder in folders where access("\(folder)/\(name)", X_OK) == 0 { return "\(folder)/\(name)" }
        throw CommandFailure("\(name) is not installed: it is neither beside opsapply nor in PATH; \(advice)")
    }

    private static var folders: [String] {
        var folders: [String] = []
        if let own = realpath("/proc/self/exe", nil) {
            let path = String(cString: own)
            free(own)
            if let slash = path.lastIndex(of: "/") { folders.append(String(path[..<slash])) }
        }
        let path = Console.environment("PATH") ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return folders + path.split(separator: ":").map(String.init)
    }
}
