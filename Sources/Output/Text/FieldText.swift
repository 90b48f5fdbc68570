// Observed and desired values as people read them: digests cut to what the eye compares.

package enum FieldText {
    /// `sha256:9f2c01d4a7b3… 0644 root:root`, `running`; anything else as it is, printable.
    package static func short(_ value: String) -> String {
        if value.hasPrefix("sha256:") {
            let digest = value.dropFirst(7).prefix { $0 != " " }
            let rest = value.dropFirst(7 + digest.count)
            return "sha256:" + shortDigest(String(digest)) + String(rest).printable
        }
        return value.printable
    }

    /// Both sides of a difference: where only the short forms are the same, as with two definitions of a running
    /// service, what differs is said.
    package static func pair(from: String?, to: String) -> (from: String, to: String) {
        let old = from.map(short) ?? "not observed yet"
        let new = short(to)
        guard let from, from.hasPrefix("running "), to.hasPrefix("running ") else {
            return (runningOnly(old), runningOnly(new))
        }
        let sameRun = from.prefix { $0 != "/" } == to.prefix { $0 != "/" }
        return sameRun
            ? ("running, loaded before the change", "running, loaded after it")
            : ("running, started before the change", "running, started after it")
    }

    private static func runningOnly(_ value: String) -> String { value.hasPrefix("running ") ? "running" : value }
}
