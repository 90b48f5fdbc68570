// Where one redis-server listens, and how to introduce oneself to it.

public enum RedisEndpoint: Sendable, Hashable, CustomStringConvertible {
    case tcp(host: String, port: Int)
    case unix(path: String)

    /// `127.0.0.1:6379`, `[::1]:6379`, `/run/redis.sock`.
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): path
        }
    }
}

/// Who a connection says it is. The password is never part of any description.
public struct RedisLogin: Sendable, Hashable, CustomStringConvertible {
    public var user: String?
    public var password: String?
    public var database: Int
    /// The name under which `CLIENT LIST` shows the connection: letters, digits, dashes.
    public var clientName: String?

    public init(user: String? = nil, password: String? = nil, database: Int = 0, clientName: String? = nil) {
        self.user = user
        self.password = password
        self.database = database
        self.clientName = clientName
    }

    public var description: String { "\(user ?? "default")\(password == nil ? "" : ":***") database \(database)" }

    /// What is sent before anything else.
    var greeting: [RedisCommand] {
        var commands: [RedisCommand] = []
        if let password {
            commands.append(RedisCommand("AUTH", (user.map { [.string($0)] } ?? []) + [.string(password)]))
        }
        if database != 0 { commands.append(RedisCommand("SELECT", [.int(database)])) }
        if let clientName { commands.append(RedisCommand("CLIENT", ["SETNAME", .string(clientName)])) }
        return commands
    }
}
