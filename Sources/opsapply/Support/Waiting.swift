// Waiting until resources are what was asked for, with progress: lines redrawn in place on a terminal, otherwise one line
// for each change.

internal import Manifests
internal import Model
internal import Output
internal import Store

struct Waiting {
    /// How often the statuses are read.
    static let pollInterval = Duration.milliseconds(100)
    /// Lines that are redrawn; the rest is counted.
    static let liveLines = 12

    let store: any OperationsStore
    var targets: [WaitTarget]
    /// How long all must hold at once before it counts: for statuses that may be of before a restart.
    var steady = Duration.zero

    /// The targets but those whose manifest suspends them, which are told: they are left as they are.
    static func unsuspended(
        _ targets: [WaitTarget], among resources: [ManifestResource], at now: Timestamp
    ) -> [WaitTarget] {
        let suspended = Set(resources.filter { $0.isSuspended(at: now) }.map(\.key))
        if !suspended.isEmpty {
            Console.note("not waited for: \(listed(suspended.sorted().map { "\($0)" })): suspended")
        }
        return targets.filter { !suspended.contains($0.key) }
    }

    /// Returns when every target is met; fails with exit code 3 when the time is over.
    func run(timeout: Duration) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        var open = targets
        var lines: [ResourceKey: String] = [:]
        var screen = LiveLines()
        var allMetSince: ContinuousClock.Instant?
        while true {
            var still: [WaitTarget] = []
            for target in steady > .zero ? targets : open {
                let status = try await store.status(target.key)
                report(target, status, after: clock.now - start, &lines, screen.isLive)
                if !target.isMet(by: status) { still.append(target) }
            }
            open = still
            if screen.isLive { screen.draw(targets.map { "\($0.key)  \(lines[$0.key] ?? "")" }) }
            allMetSince = open.isEmpty ? allMetSince ?? clock.now : nil
            if let allMetSince, clock.now - allMetSince >= steady { return }
            guard clock.now - start < timeout else { throw timedOut(open, lines, timeout) }
            try await Task.sleep(for: Self.pollInterval)
        }
    }

    private func report(
        _ target: WaitTarget, _ status: ResourceStatus?, after elapsed: Duration, _ lines: inout [ResourceKey: String],
        _ live: Bool
    ) {
        var line = target.progress(status)
        if target.isMet(by: status) {
            // Met already, and as before: the time of then stands.
            if lines[target.key]?.hasPrefix(line + "  ") == true { return }
            line += "  \(elapsed.measured)"
        }
        guard lines[target.key] != line else { return }
        lines[target.key] = line
        if !live { Console.aside("\(target.key)  \(line)\n") }
    }

    private func timedOut(_ open: [WaitTarget], _ lines: [ResourceKey: String], _ timeout: Duration) -> CommandFailure {
        let reasons = open.map {
            "\($0.key) is not \($0.condition.rawValue): \(lines[$0.key] ?? "nothing is known of it")"
        }
        return CommandFailure(reasons + ["gave up after \(timeout.measured)"], exitCode: CommandFailure.timedOut)
    }
}

/// Lines on a terminal that are drawn over again.
struct LiveLines {
    let isLive = Console.showsLiveProgress
    private var drawn: [String] = []

    mutating func draw(_ lines: [String]) {
        var lines = lines
        if lines.count > Waiting.liveLines {
            let more = lines.count - Waiting.liveLines
            lines = Array(lines.prefix(Waiting.liveLines)) + ["… and \(more) more"]
        }
        let width = Console.width - 1
        let shown = lines.map { $0.shortened(to: width) }
        guard shown != drawn else { return }
        let up = drawn.isEmpty ? "" : "\u{1B}[\(drawn.count)A"
        Console.aside(up + shown.map { "\r\u{1B}[K\($0)\n" }.joined())
        drawn = shown
    }
}
