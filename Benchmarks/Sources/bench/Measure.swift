// What a benchmark gives: figures, each beside the bar that it must reach.

/// Whether less or more is better is never asked: every bar here is an upper one.
struct Figure: Sendable {
    var measure: String
    var bar: Double
    var measured: Double
    var unit: String
    /// What it was measured against in the same run, and what else there is to say.
    var note: String = ""

    var isReached: Bool { measured <= bar }
}

/// How long the samples are taken.
struct Effort: Sendable {
    var instances: Int
    var drifts: Int
    var repairs: Int
    var kills: Int
    var planned: Int
    var restSeconds: Int
    /// Of schedules, in the simulation.
    var fires: Int
    /// Of runs, on their queues.
    var jobs: Int
    /// Jobs that are claimed one at a time.
    var claims: Int

    static let full = Effort(
        instances: 100_000, drifts: 1000, repairs: 200, kills: 200, planned: 10_000, restSeconds: 60,
        fires: 1_000_000, jobs: 1_000_000, claims: 5000)
    static let quick = Effort(
        instances: 10_000, drifts: 200, repairs: 30, kills: 10, planned: 1000, restSeconds: 10, fires: 100_000,
        jobs: 100_000, claims: 500)
}

struct Problem: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// Durations in milliseconds, and what is asked of them.
struct Samples: Sendable {
    private(set) var values: [Double] = []

    mutating func add(_ duration: Duration) { values.append(duration.milliseconds) }
    mutating func add(_ value: Double) { values.append(value) }

    /// The smallest value that this share of all does not exceed.
    func percentile(_ share: Double) -> Double {
        let sorted = values.sorted()
        guard let last = sorted.indices.last else { return .nan }
        return sorted[min(last, max(0, Int((share * Double(sorted.count)).rounded(.up)) - 1))]
    }

    var median: Double { percentile(0.5) }
    var spread: String {
        "p50 \(text(percentile(0.5))), p99 \(text(percentile(0.99))), max \(text(percentile(1))) of \(values.count)"
    }
}

extension Duration {
    var milliseconds: Double {
        Double(components.seconds) * 1000 + Double(components.attoseconds) / 1_000_000_000_000_000
    }
}

/// Three digits that matter.
func text(_ value: Double) -> String {
    guard value.isFinite else { return "-" }
    let decimals = abs(value) >= 100 ? 0 : abs(value) >= 10 ? 1 : abs(value) >= 1 ? 2 : 3
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let scaled = Int((abs(value) * scale).rounded())
    guard decimals > 0 else { return (value < 0 ? "-" : "") + "\(scaled)" }
    let whole = scaled / Int(scale)
    let rest = String(scaled % Int(scale))
    return (value < 0 ? "-" : "") + "\(whole).\(String(repeating: "0", count: decimals - rest.count))\(rest)"
}

func measure<Value>(_ body: () async throws -> Value) async rethrows -> (Duration, Value) {
    let start = ContinuousClock.now
    let value = try await body()
    return (ContinuousClock.now - start, value)
}

func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}
