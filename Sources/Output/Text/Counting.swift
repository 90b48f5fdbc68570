// Small helpers for sentences.

/// `1 instance`, `3 instances`.
package func counted(_ count: Int, _ noun: String, plural: String? = nil) -> String {
    "\(count) \(count == 1 ? noun : plural ?? noun + "s")"
}

/// The first `limit` of some names, and how many more there are: `a, b, c and 4 more`.
package func listed(_ names: [String], limit: Int = 10) -> String {
    let shown = names.prefix(limit).map(\.printable).joined(separator: ", ")
    return names.count > limit ? "\(shown) and \(names.count - limit) more" : shown
}

/// A digest as people compare it: the first twelve digits.
package func shortDigest(_ digest: String) -> String {
    digest.count > 12 ? String(digest.prefix(12)) + "…" : digest
}
