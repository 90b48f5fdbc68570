// The address of a Redis as people write it, and its reading. No error and no description ever shows a password.
//
//     redis://[user:password@]host[:port][/database]
//     unix://[user:password@]/path/to/socket[?db=database]
//     redis+sentinel://[user:password@]host[:port],host[:port]…/service[/database]
//     redis+cluster://[user:password@]host[:port],host[:port]…

public struct RedisURL: Sendable, Hashable {
    /// How the servers behind an address are found.
    public enum Target: Sendable, Hashable {
        case single(RedisEndpoint)
        case sentinel([RedisEndpoint], service: String)
        case cluster([RedisEndpoint])
    }

    public static let defaultPort = 6379
    public static let defaultSentinelPort = 26379
    /// `redis-server --databases` can raise it, to no more than this here.
    static let maximumDatabase = 65_535

    public var target: Target
    public var login: RedisLogin

    public init(target: Target, login: RedisLogin = RedisLogin()) {
        self.target = target
        self.login = login
    }

    /// Reads an address; the error is one line that says what was expected.
    public init(_ text: String) throws(RedisError) {
        guard let separator = text.firstRange(of: "://") else {
            throw .badURL(
                "expected redis://host:port, unix:///path, redis+sentinel://… or redis+cluster://…, found no ://")
        }
        let rest = String(text[separator.upperBound...])
        switch text[..<separator.lowerBound] {
        case "redis": self = try Self.single(rest)
        case "unix", "redis+unix": self = try Self.unix(rest)
        case "redis+sentinel": self = try Self.sentinel(rest)
        case "redis+cluster": self = try Self.cluster(rest)
        case "rediss":
            throw .badURL("rediss:// needs TLS, which is not built in; use a unix socket, or redis:// through stunnel")
        case let scheme:
            // Anything else before :// may be part of a password.
            let isWord = scheme.utf8.allSatisfy {
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || $0 == UInt8(ascii: "+")
            }
            let shown = isWord && !rest.contains("@") ? "unknown scheme \(scheme)://" : "unknown scheme before ://"
            throw .badURL("\(shown); expected redis, unix, redis+sentinel or redis+cluster")
        }
    }

    private static func single(_ rest: String) throws(RedisError) -> RedisURL {
        let parts = try URLParts(rest)
        let hosts = try parts.endpoints(defaultPort: defaultPort)
        guard hosts.count == 1 else { throw .badURL("redis:// takes one host, found \(hosts.count)") }
        guard parts.path.count <= 1 else { throw .badURL("redis://host/ takes a database number only") }
        return RedisURL(target: .single(hosts[0]), login: try parts.login(database: parts.path.first))
    }

    private static func unix(_ rest: String) throws(RedisError) -> RedisURL {
        let parts = try URLParts(rest)
        guard parts.hosts.isEmpty, !parts.path.isEmpty else {
            throw .badURL("unix:// takes an absolute path: unix:///run/redis.sock")
        }
        let path = "/" + parts.path.joined(separator: "/")
        guard path.utf8.count < 108 else {
            throw .badURL("a unix socket's path has at most 107 bytes, this one has \(path.utf8.count)")
        }
        return RedisURL(target: .single(.unix(path: path)), login: try parts.login(database: parts.query["db"]))
    }

    private static func sentinel(_ rest: String) throws(RedisError) -> RedisURL {
        let parts = try URLParts(rest)
        let hosts = try parts.endpoints(defaultPort: defaultSentinelPort)
        guard let service = parts.path.first, parts.path.count <= 2 else {
            throw .badURL("redis+sentinel:// takes the service's name: redis+sentinel://h1:26379,h2:26379/service")
        }
        let database = parts.path.count == 2 ? parts.path[1] : nil
        return RedisURL(target: .sentinel(hosts, service: service), login: try parts.login(database: database))
    }

    private static func cluster(_ rest: String) throws(RedisError) -> RedisURL {
        let parts = try URLParts(rest)
        let hosts = try parts.endpoints(defaultPort: defaultPort)
        guard parts.path.isEmpty || parts.path == ["0"] else {
            throw .badURL("a cluster has database 0 only, found /\(parts.path.joined(separator: "/"))")
        }
        return RedisURL(target: .cluster(hosts), login: try parts.login(database: nil))
    }
}

extension RedisURL: CustomStringConvertible {
    /// The address with its password hidden.
    public var description: String {
        let who = login.password == nil ? "" : "\(login.user ?? ""):***@"
        let database = login.database == 0 ? "" : "/\(login.database)"
        switch target {
        case .single(.unix(let path)):
            return "unix://\(who)\(path)" + (login.database == 0 ? "" : "?db=\(login.database)")
        case .single(let endpoint): return "redis://\(who)\(endpoint)\(database)"
        case .sentinel(let hosts, let service):
            return "redis+sentinel://\(who)\(Self.list(hosts))/\(service)\(database)"
        case .cluster(let hosts): return "redis+cluster://\(who)\(Self.list(hosts))"
        }
    }

    private static func list(_ hosts: [RedisEndpoint]) -> String { hosts.map(\.description).joined(separator: ",") }
}
