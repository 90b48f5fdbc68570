// The programs as a person meets them: how long they take to say who they are, how large they are, what a plan costs.

import Glibc
import Store
import TestRedis

enum Programs {
    private static let rounds = 20

    static func run(_ effort: Effort) async throws -> [Figure] {
        var figures: [Figure] = []
        for name in ["opsapply", "opscontroller", "opsagent"] {
            var status = stat()
            let path = try Stage.program(name)
            guard stat(path, &status) == 0 else { throw Problem("\(path): \(String(cString: strerror(errno)))") }
            figures.append(
                Figure(measure: "size of \(name)", bar: 25, measured: Double(status.st_size) / 1_000_000, unit: "MB"))
        }
        let more = try await Stage.with { stage in
            var samples = Samples()
            for _ in 0..<rounds {
                samples.add(try await stage.timed([try Stage.program("opsapply"), "--version"]).seconds * 1000)
            }
            figures.append(
                Figure(
                    measure: "opsapply --version", bar: 20, measured: samples.median, unit: "ms", note: samples.spread))
            return try await plan(stage, effort)
        }
        return figures + more
    }

    private static func plan(_ stage: Stage, _ effort: Effort) async throws -> [Figure] {
        let population = try Population(instances: effort.planned)
        try await population.write(to: stage.store)
        try write("\(stage.folder)/fleet.json", population.manifests)
        let command = [try Stage.program("opsapply"), "plan", "\(stage.folder)/fleet.json", "--detailed-exitcode"]
        var (seconds, memory) = (Samples(), Samples())
        for _ in 0..<5 {
            let run = try await stage.timed(command)
            seconds.add(run.seconds)
            memory.add(Double(run.bytes) / 1_000_000)
        }
        let what = "opsapply plan without a difference, \(population.ids.count) instances"
        return [
            Figure(measure: what, bar: 0.5, measured: seconds.median, unit: "s"),
            Figure(measure: what, bar: 60, measured: memory.median, unit: "MB"),
        ]
    }

    /// Applies a manifest and waits until everything of it is Ready.
    static func apply(_ stage: Stage, _ manifest: String) async throws {
        let path = "\(stage.folder)/manifest.json"
        try write(path, manifest)
        _ = try await stage.timed([try Stage.program("opsapply"), "apply", path, "--wait", "--timeout", "60s"])
    }

    static func write(_ path: String, _ text: String) throws {
        guard let file = fopen(path, "w") else {
            throw Problem("cannot write \(path): \(String(cString: strerror(errno)))")
        }
        fputs(text, file)
        fclose(file)
    }
}
