// The programs that `up` runs, and their arguments.

internal import Logging
internal import Output

struct UpPrograms {
    private let redisServer: String
    private let controller: String
    private let agent: String

    init() throws(CommandFailure) {
        redisServer = try Program.find("redis-server", orDo: "install it with: apt install redis-server")
        controller = try Program.find("opscontroller", orDo: "build it, or put it beside opsapply")
        agent = try Program.find("opsagent", orDo: "build it, or put it beside opsapply")
    }

    func redis(_ paths: UpPaths) -> ChildSpec {
        let settings = [
            "--port", "0", "--unixsocket", paths.socket, "--unixsocketperm", "700", "--dir", paths.redisFolder,
            "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--daemonize", "no",
        ]
        return ChildSpec(
            name: "redis", arguments: [redisServer] + settings, log: paths.log(of: "redis"), deathSignal: "TERM")
    }

    func controller(_ name: String, _ paths: UpPaths, _ command: Up) -> ChildSpec {
        ChildSpec(
            name: name, arguments: [controller, "--name", name] + store(paths, command), log: paths.log(of: name),
            deathSignal: "KILL")
    }

    func agent(_ server: String, _ paths: UpPaths, _ command: Up) -> ChildSpec {
        let own = [
            "--server", server, "--root", paths.root(of: server), "--state", paths.agentState(of: server),
            "--stop-services-on-exit",
        ]
        return ChildSpec(
            name: "agent-\(server)", arguments: [agent] + own + store(paths, command),
            log: paths.log(of: "agent-\(server)"), deathSignal: "TERM")
    }

    private func store(_ paths: UpPaths, _ command: Up) -> [String] {
        ["--redis", paths.url, "--prefix", command.prefix, "--log-level", command.logLevel.rawValue]
    }
}
