// The options that every program has: where the store is.

public import ArgumentParser
internal import Glibc
internal import Redis

/// `--redis`, `--prefix`; the environment stands in for what is not given.
public struct StoreOptions: ParsableArguments {
    @Option(name: .customLong("redis"), help: "Where Redis is (OPS_REDIS_URL; default redis://127.0.0.1:6379).")
    public var redisOption: String?

    @Option(name: .customLong("prefix"), help: "What all keys begin with (OPS_PREFIX; default ops).")
    public var prefixOption: String?

    public init() {}

    public var redisURL: String { redisOption ?? Self.environment("OPS_REDIS_URL") ?? "redis://127.0.0.1:6379" }
    public var prefix: String { prefixOption ?? Self.environment("OPS_PREFIX") ?? "ops" }

    /// The address as it may be shown: without its password.
    public var redisAddress: String { (try? RedisURL(redisURL))?.description ?? "an address that is none" }

    /// An address that is none never becomes one: that is said at once, and not tried again for ever.
    public func validate() throws {
        do throws(RedisError) { _ = try RedisURL(redisURL) } catch {
            throw ValidationError("\(redisOption == nil ? "OPS_REDIS_URL" : "--redis") is a \(error)")
        }
    }

    private static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }
}
