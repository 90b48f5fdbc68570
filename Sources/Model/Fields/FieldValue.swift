// The text of an observed value, written by the agent's drivers and read by the planner: this file is their contract.
//
//   config     8080                                  absent
//   package    1.22.1-9+deb12u10                     absent
//   directory  directory 0755 root:root              absent, file …, symlink …, other …
//   file       sha256:<64 hex> 0644 root:root        absent, directory …, symlink …, other …
//   command    done, pending
//   service    running <run>/<load>                  stopped, exited <code>, killed <signal>
//   health     healthy, unhealthy: <why>, unknown
//   any        error: <why>   it could not be observed: unknown, never in sync

/// Builds observed values.
public enum FieldValue {
    public static let absent = "absent"
    public static let done = "done"
    public static let pending = "pending"
    public static let stopped = "stopped"
    public static let healthy = "healthy"
    public static let unknown = "unknown"
    static let errorPrefix = "error: "
    static let unhealthyPrefix = "unhealthy: "

    public static func directory(mode: Int, owner: String, group: String) -> String {
        "directory \(octal(mode)) \(owner):\(group)"
    }

    /// `digest`: SHA-256 of the content in lower-case hex.
    public static func file(digest: String, mode: Int, owner: String, group: String) -> String {
        "sha256:\(digest) \(octal(mode)) \(owner):\(group)"
    }

    /// `run` and `load` are the digests with which the process was started and last told to load (`ServiceRun`).
    public static func running(run: String, load: String) -> String { "running \(run)/\(load)" }
    public static func exited(_ code: Int) -> String { "exited \(code)" }
    public static func killed(signal: Int) -> String { "killed \(signal)" }
    public static func unhealthy(_ why: String) -> String { unhealthyPrefix + why }
    public static func error(_ why: String) -> String { errorPrefix + why }

    public static func isError(_ value: String) -> Bool { value.hasPrefix(errorPrefix) }

    /// Four octal digits: `0644`.
    public static func octal(_ mode: Int) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
