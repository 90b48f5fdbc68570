// `pids.json`: which process is what, for whoever wants to look at them, or to kill some to see what happens.

internal import Glibc
internal import JSON

struct ProcessRecord: Sendable {
    let paths: UpPaths

    func write(_ children: [String: Supervisor.Child]) {
        var document: JSONValue = [
            "url": .string(paths.url), "up": .int(Int(getpid())), "redis": pid(children["redis"]?.pid),
        ]
        var controllers: [JSONValue] = []
        var agents: [JSONValue] = []
        for (name, child) in children.sorted(by: { $0.key < $1.key }) {
            if name.hasPrefix("controller-") {
                controllers.append(["name": .string(name), "pid": pid(child.pid)])
            } else if name.hasPrefix("agent-") {
                let server = String(name.dropFirst("agent-".count))
                agents.append([
                    "server": .string(server), "pid": pid(child.pid), "root": .string(paths.root(of: server)),
                ])
            }
        }
        // Not before there is a controller: whoever waits for this file wants all of it.
        guard !controllers.isEmpty else { return }
        document["controllers"] = .array(controllers)
        document["agents"] = .array(agents)
        paths.writePids(document.pretty() + "\n")
    }

    private func pid(_ pid: pid_t?) -> JSONValue { pid.map { .int(Int($0)) } ?? .null }
}
