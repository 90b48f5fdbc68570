// `@Suite(.privateRedis)`: one redis-server for the tests of a suite, in `PrivateRedis.current`. The tests of a suite run
// at the same time by default, so each uses keys of its own, or the suite is `.serialized`.

public import Testing

public struct PrivateRedisTrait: SuiteTrait, TestScoping {
    let appendOnly: Bool
    let options: [String]

    @concurrent public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await PrivateRedis.with(appendOnly: appendOnly, options: options) { server in
            try await PrivateRedis.$current.withValue(server) { try await function() }
        }
    }
}

extension Trait where Self == PrivateRedisTrait {
    /// A private redis-server for this suite.
    public static var privateRedis: Self { Self(appendOnly: false, options: []) }

    /// A private redis-server for this suite, with further arguments of redis-server.
    public static func privateRedis(appendOnly: Bool, options: [String] = []) -> Self {
        Self(appendOnly: appendOnly, options: options)
    }
}
