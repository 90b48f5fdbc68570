// Runs the benchmarks that are named, or all, and prints one table: what was measured, beside the bar that it must reach.
// Usage: bench [--quick] [pass|controller|failover|repair|programs|rest|schedules|sweep …]

import Glibc

@main
struct Bench {
    typealias Benchmark = @Sendable (Effort) async throws -> [Figure]

    static let all: [(name: String, run: Benchmark)] = [
        ("programs", { try await Programs.run($0) }),
        ("pass", { try await DriftPass.run($0) }),
        ("controller", { try await ControllerFigures.run($0) }),
        ("repair", { try await Repair.run($0) }),
        ("sweep", { try await AgentSweep.run($0) }),
        ("schedules", { try await Schedules.run($0) }),
        ("queues", { try await Queues.run($0) }),
        ("rest", { try await AgentRest.run($0) }),
        ("failover", { try await Failover.run($0) }),
    ]

    static func main() async {
        var names = Array(CommandLine.arguments.dropFirst())
        let effort: Effort = names.contains("--quick") ? .quick : .full
        names.removeAll { $0 == "--quick" }
        guard names.allSatisfy({ name in all.contains { $0.name == name } }) else {
            say("usage: bench [--quick] [\(all.map(\.name).joined(separator: "|")) …]\n")
            exit(64)
        }
        var figures: [Figure] = []
        var failures = 0
        for (name, run) in all where names.isEmpty || names.contains(name) {
            say("measuring \(name) …\n")
            do { figures += try await run(effort) } catch {
                failures += 1
                say("\(name): not measured: \(error)\n")
            }
        }
        print(table(figures))
        let missed = figures.filter { !$0.isReached }.count
        say("\(figures.count) figures, \(missed) beyond their bar, \(failures) benchmarks not measured\n")
        exit(failures == 0 ? 0 : 1)
    }

    private static func say(_ text: String) {
        _ = Array(text.utf8).withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private static func table(_ figures: [Figure]) -> String {
        let rows = figures.map { figure in
            [
                figure.measure, "≤ \(text(figure.bar))", "\(text(figure.measured)) \(figure.unit)",
                text(figure.measured / figure.bar), figure.isReached ? "yes" : "NO", figure.note,
            ]
        }
        let head = ["measure", "bar", "measured", "of the bar", "reached", "note"]
        let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
        let lines = [head, widths.map { String(repeating: "-", count: $0) }] + rows
        return lines.map { row in "| " + zip(row, widths).map { padded($0, $1) }.joined(separator: " | ") + " |" }
            .joined(separator: "\n")
    }
}
