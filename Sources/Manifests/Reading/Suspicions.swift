// What is valid in one resource, and yet probably not meant.

internal import JSON
internal import Model

struct Suspicions {
    private let spec: JSONValue
    private let base: [PathElement]
    private(set) var findings: [Finding] = []

    /// Folders of the kernel's own: what is put there is gone at the next start, if it can be put there at all.
    private static let kernelFolders = ["/dev", "/proc", "/sys"]

    /// - Parameter now: nil where the time is not known.
    init(of manifest: JSONValue, at base: [PathElement], now: Timestamp?) {
        spec = manifest["spec"] ?? [:]
        self.base = base + ["spec"]
        checkPaths()
        checkServices()
        checkHealth()
        if let now { checkSuspension(now) }
    }

    private mutating func checkPaths() {
        for section in ["files", "directories"] {
            for path in (spec[section]?.object ?? [:]).keys {
                guard let folder = Self.kernelFolders.first(where: { path == $0 || path.hasPrefix($0 + "/") }) else {
                    continue
                }
                warn([.key(section), .key(path)], "is in \(folder), which the kernel makes anew at each start", .key)
            }
        }
    }

    private mutating func checkServices() {
        for (name, service) in spec["services"]?.object ?? [:] {
            let restarts = Set(service["restartOn"]?.array ?? [])
            for (index, field) in (service["reloadOn"]?.array ?? []).enumerated() where restarts.contains(field) {
                warn(["services", .key(name), "reloadOn", .index(index)], "is in restartOn as well: one is enough")
            }
            if service["reload"] != nil, service["reloadOn"]?.array?.isEmpty ?? true {
                warn(["services", .key(name), "reload"], "is never used, as there is no reloadOn", .key)
            }
        }
    }

    private mutating func checkHealth() {
        for (name, check) in spec["health"]?.object ?? [:] {
            // A default is not what somebody meant.
            guard check["timeout"] != nil else { continue }
            let view = ObjectView(check, WorkloadSchema.health)
            guard view.duration("timeout") > view.duration("every") else { continue }
            warn(
                ["health", .key(name), "timeout"],
                "is longer than the time from one check to the next (\(DurationText.text(view.duration("every"))))")
        }
    }

    private mutating func checkSuspension(_ now: Timestamp) {
        guard let end = spec["suspend"]?["until"]?.string.flatMap(RFC3339.parse), end <= now else { return }
        warn(["suspend", "until"], "is past, so nothing is suspended")
    }

    private mutating func warn(_ path: [PathElement], _ message: String, _ spot: Finding.Spot = .value) {
        findings.append(Finding(path: base + path, spot: spot, message: message))
    }
}
