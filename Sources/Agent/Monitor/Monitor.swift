// Reports the server itself: every interval what changed, and that it lives.

internal import CLinux
internal import Glibc
internal import Model
package import Store
internal import Synchronization

package final class Monitor: Sendable {
    package struct Identity: Sendable {
        package var server: String
        /// The root folder of the agent.
        package var root: String
        /// The agent's version.
        package var version: String

        package init(server: String, root: String, version: String) {
            self.server = server
            self.root = root
            self.version = version
        }
    }

    /// Every so many reports all values are sent: a store that lost some has them again within a minute or so.
    static let reportsPerFull = 12
    /// The least time between two times that memory is given back; the first comes so long after the start.
    static let giveBackEvery: Duration = .milliseconds(4500)

    private let store: any AgentStore
    private let identity: Identity
    /// Where none is declared.
    private let interval: Duration
    private let declaredInterval = Mutex<Duration?>(nil)
    private let disk: DiskProbe
    private let standing: Standing
    private let outage: Outage
    private let needsFull = Mutex(true)
    private let lastRevision = Mutex(0)
    private let alarm = Alarm()

    package init(
        store: any AgentStore, identity: Identity, interval: Duration, disk: DiskProbe, standing: Standing,
        outage: Outage
    ) {
        self.store = store
        self.identity = identity
        self.interval = interval
        self.disk = disk
        self.standing = standing
        self.outage = outage
    }

    /// The store may have lost what it was told: tell it all, now.
    package func reportAllNow() {
        needsFull.withLock { $0 = true }
        alarm.ring()
    }

    /// How often the Server's declaration wants a report; nil where there is none.
    package func report(every declared: Duration?) {
        let isNew = declaredInterval.withLock { known in
            defer { known = declared }
            return known != declared
        }
        // One that is shorter does not begin after the longer.
        if isNew { alarm.ring() }
    }

    package func run() async {
        var before: (sample: ProcSample, at: ContinuousClock.Instant)?
        var reported: [String: String] = [:]
        var pace = ReportPace(interval: interval, start: .now)
        var count = 0
        var gaveBack = ContinuousClock.now
        while !Task.isCancelled {
            guard !standing.isWaiting else {
                await alarm.wait(until: nil)
                continue
            }
            let now = ContinuousClock.now
            let sample = ProcSample.read()
            var values = ServerValues.values(
                sample, since: before?.sample, seconds: before.map { (now - $0.at) / .seconds(1) } ?? 0)
            before = (sample, now)
            values["disk"] = await disk.value()
            values.merge(constants) { first, _ in first }
            if count % Self.reportsPerFull == 0 { needsFull.withLock { $0 = true } }
            count += 1
            let isReached = await report(values, &reported)
            pace.interval = declaredInterval.withLock { $0 } ?? interval
            let next = isReached ? pace.afterReport(at: .now) : pace.afterMiss(at: .now)
            if .now - gaveBack >= Self.giveBackEvery {
                giveBackCode()
                gaveBack = .now
            }
            await alarm.wait(until: next)
        }
    }

    private func report(_ values: [String: String], _ reported: inout [String: String]) async -> Bool {
        let full = needsFull.withLock { full in
            defer { full = false }
            return full
        }
        let changed = full ? values : values.filter { reported[$0.key] != $0.value }
        do throws(StoreError) {
            let revision = try await store.report(
                ServerReport(server: identity.server, values: changed, full: full, agent: standing.agent))
            reported = values
            if isLost(revision, full: full) { reportAllNow() }
            outage.over()
            return true
        } catch {
            needsFull.withLock { $0 = true }
            // Another agent stands for the server: the executors are about to hear of it.
            if case .conflict = error { return false }
            outage.began(error)
            return false
        }
    }

    /// Between two reports an agent at rest runs nothing at all, so its code need not be resident either. Measured: two
    /// thirds of what the kernel counts for it, for a few hundred microseconds of faults with the next report.
    private func giveBackCode() { redops_release_code() }

    /// Whether the store lost what it was told: its revision went back, or is the first one and not of a full report.
    private func isLost(_ revision: Int, full: Bool) -> Bool {
        lastRevision.withLock { last in
            defer { last = revision }
            return revision < last || (revision == 1 && !full)
        }
    }

    private var constants: [String: String] {
        [
            "status": "running", "root": identity.root, "agent": identity.version, "kernel": Self.kernel,
        ]
    }

    private static let kernel: String = {
        var name = utsname()
        guard uname(&name) == 0 else { return FieldValue.unknown }
        return withUnsafeBytes(of: name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }()
}
