// A real agent and a real controller: how long from a hand's edit, or from kill -9 of a service, until the store says that
// it was seen repaired.

import Glibc
import Model
import RedisStore
import Store
import TestRedis

enum Repair {
    static func run(_ effort: Effort) async throws -> [Figure] {
        try await Stage.with { stage in
            let root = "\(stage.folder)/root"
            try stage.startController("controller")
            try stage.startAgent("server0", root: root)
            try await Programs.apply(stage, manifest)
            let id = InstanceID(app: "site", server: "server0")
            var (edits, kills) = (Samples(), Samples())
            for round in 0..<effort.repairs {
                edits.add(
                    try await repaired(stage, id) {
                        try Programs.write("\(root)/srv/site/index.html", "defaced \(round)\n")
                    })
                await stage.pause(.milliseconds(50))
            }
            for _ in 0..<max(3, effort.repairs / 10) {
                // A service that keeps ending is started again later and later, until it ran for ten seconds.
                await stage.pause(.seconds(11))
                kills.add(
                    try await repaired(stage, id) {
                        let pids = Stage.processes(whose: "environ", contains: "FLEET=\(root)")
                            .filter { readText("/proc/\($0)/cmdline").hasPrefix("sleep") }
                        guard let pid = pids.first else { throw Problem("the service does not run") }
                        kill(pid, SIGKILL)
                    })
            }
            return [
                Figure(
                    measure: "file edited → observed repaired, through a real agent", bar: 500,
                    measured: edits.percentile(0.99), unit: "ms p99", note: edits.spread),
                Figure(
                    measure: "service killed with -9 → observed repaired", bar: 500, measured: kills.percentile(0.99),
                    unit: "ms p99", note: kills.spread),
            ]
        }
    }

    /// From the act until a newer revision of the observed hash is as the converged one was.
    private static func repaired(_ stage: Stage, _ id: InstanceID, _ act: () throws -> Void) async throws -> Duration {
        guard let before = try await stage.store.instance(id).observed else { throw Problem("\(id) is not observed") }
        let (duration, isRepaired) = try await measure {
            try act()
            return try await eventually(within: .seconds(30)) {
                guard let observed = try await stage.store.instance(id).observed else { return false }
                return observed.revision > before.revision && observed.fields == before.fields
            }
        }
        guard isRepaired else { throw Problem("\(id) was not repaired within 30 s") }
        return duration
    }

    /// More than are killed, so that each is killed once at most: one that ends again too soon is started after a wait.
    private static let services = 64
    /// Each sleeps for a time of its own, by which its process is found.
    private static let firstSleep = 86_400

    private static let entries = (0..<services).map {
        "\"web\($0)\":{\"command\":[\"sleep\",\"\(firstSleep + $0)\"],\"environment\":{\"FLEET\":\"${server.root}\"}}"
    }.joined(separator: ",")

    private static let manifest = """
        [{"apiVersion":"ops/v1","kind":"Server","metadata":{"name":"server0"},"spec":{"address":"127.0.0.1"}},
         {"apiVersion":"ops/v1","kind":"App","metadata":{"name":"site"},
          "spec":{"placement":{"servers":["server0"]},
           "files":{"/srv/site/index.html":{"content":"<h1>${server.name}</h1>\\n"}},
           "services":{\(entries)}}}]
        """
}
