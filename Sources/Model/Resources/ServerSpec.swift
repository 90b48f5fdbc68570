// The spec of a Server, as read from a manifest.

/// What a server is and carries by itself.
public struct ServerSpec: Sendable, Hashable {
    /// Host name or address that health checks and templates use.
    public var address: String
    public var monitor: MonitorSpec
    /// Packages, directories, files, commands, services and health of the server itself.
    public var content: Workload
    public var suspend: Suspension?

    public init(
        address: String, monitor: MonitorSpec = MonitorSpec(), content: Workload = Workload(),
        suspend: Suspension? = nil
    ) {
        self.address = address
        self.monitor = monitor
        self.content = content
        self.suspend = suspend
    }
}

/// How a server is watched.
public struct MonitorSpec: Sendable, Hashable {
    /// The report interval: 5 s unless said otherwise.
    public var every: Duration
    /// The name of a hash that some other collector writes (`HSET server1 cpu 30`), which then stands for the agent's.
    public var hash: String?

    public init(every: Duration = .seconds(5), hash: String? = nil) {
        self.every = every
        self.hash = hash
    }
}
