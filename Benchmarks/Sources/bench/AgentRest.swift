// An agent that has nothing to do: twenty managed fields, converged, reporting every five seconds.

import Glibc
import TestRedis

enum AgentRest {
    static func run(_ effort: Effort) async throws -> [Figure] {
        try await Stage.with { stage in
            try stage.startController("controller")
            try stage.startAgent("server0", root: "\(stage.folder)/root")
            try await Programs.apply(stage, manifest)
            let pid = try stage.pid("agent-server0")
            await stage.pause(.seconds(5))
            let before = try Stage.processorTime(pid)
            let (duration, _) = await measure { await stage.pause(.seconds(effort.restSeconds)) }
            let used = try Stage.processorTime(pid) - before
            return [
                Figure(
                    measure: "agent at rest, 20 fields: resident", bar: 12,
                    measured: Double(try Stage.resident(pid)) / 1_000_000, unit: "MB"),
                Figure(
                    measure: "agent at rest, 20 fields: processor", bar: 0.1,
                    measured: used.milliseconds / duration.milliseconds * 100, unit: "% of a core",
                    note: "\(text(used.milliseconds)) ms in \(effort.restSeconds) s"),
            ]
        }
    }

    private static let manifest: String = {
        let files = (0..<16).map { "\"/srv/rest/file\($0)\":{\"content\":\"content of file \($0)\\n\"}" }
        return """
            [{"apiVersion":"ops/v1","kind":"Server","metadata":{"name":"server0"},"spec":{"address":"127.0.0.1"}},
             {"apiVersion":"ops/v1","kind":"App","metadata":{"name":"rest"},
              "spec":{"placement":{"servers":["server0"]},
               "config":{"port":8080},
               "directories":{"/srv/rest":{"mode":"0755"}},
               "files":{\(files.joined(separator: ","))},
               "services":{"web":{"command":["sleep","86400"],"environment":{"FLEET":"${server.root}"}}},
               "health":{"true":{"command":["true"],"every":"60s"}}}}]
            """
    }()
}
