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

    /// Both sides in as little room as tells them apart: of files the digests' beginnings, or what else differs.
    package static func narrowPair(from: String?, to: String) -> (from: String, to: String) {
        guard let from else { return ("not observed", narrow(to)) }
        let (old, new) = (digestAndRest(from), digestAndRest(to))
        guard let old, let new else { return (narrow(from), narrow(to)) }
        return old.digest == new.digest ? (old.rest, new.rest) : (narrow(from), narrow(to))
    }

    private static func narrow(_ value: String) -> String {
        guard let (digest, _) = digestAndRest(value) else { return runningOnly(value.printable) }
        return "sha256:\(digest.prefix(8))"
    }

    private static func digestAndRest(_ value: String) -> (digest: String, rest: String)? {
        guard value.hasPrefix("sha256:") else { return nil }
        let digest = value.dropFirst(7).prefix { $0 != " " }
        return (String(digest), String(value.dropFirst(8 + digest.count)).printable)
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
