// How one agent is set up. Defaults live here and nowhere else.

package struct AgentConfiguration: Sendable {
    /// The name of the Server resource that this agent stands for.
    package var server: String
    /// The folder that it is confined to.
    package var root: String
    /// Where it keeps what must outlive it.
    package var state: String
    /// How often the server itself is reported.
    package var interval: Duration
    /// Whether its services end with it; otherwise they go on and the next agent adopts them.
    package var stopServicesOnExit: Bool
    /// What the monitor hash says of the agent.
    package var version: String
    /// How many jobs that are no plans are done at the same time (`RunExecutor.mostRunsRange`).
    package var runs: Int
    package var timing = Executor.Timing()

    package init(
        server: String, root: String = "/", state: String? = nil, interval: Duration = .seconds(5),
        stopServicesOnExit: Bool = false, runs: Int = RunExecutor.mostRuns, version: String
    ) {
        self.server = server
        self.root = root
        var prefix = root
        while prefix.hasSuffix("/") { prefix.removeLast() }
        self.state = state ?? prefix + "/var/lib/redops"
        self.interval = interval
        self.stopServicesOnExit = stopServicesOnExit
        self.runs = runs
        self.version = version
    }
}
