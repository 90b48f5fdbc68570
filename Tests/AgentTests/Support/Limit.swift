// A limit of this process for a moment: a full disk and a lack of files, without either. Tests run one after the other.

import Glibc

enum Limit {
    /// Files may grow to so many bytes while the body runs.
    @discardableResult
    static func fileSize<Value>(_ bytes: Int, _ body: () throws -> Value) rethrows -> Value {
        signal(SIGXFSZ, SIG_IGN)
        let before = set(RLIMIT_FSIZE, bytes)
        defer { _ = set(RLIMIT_FSIZE, before) }
        return try body()
    }

    /// So many more files than now can be opened while the body runs, which awaits nothing: timers need files too.
    @discardableResult
    static func openFiles<Value>(_ more: Int, _ body: () throws -> Value) rethrows -> Value {
        let free = Int(dup(2))
        close(Int32(free))
        let before = set(RLIMIT_NOFILE, free + more)
        defer { _ = set(RLIMIT_NOFILE, before) }
        return try body()
    }

    private static func set(_ resource: __rlimit_resource, _ value: Int) -> Int {
        let number = __rlimit_resource_t(resource.rawValue)
        var limit = rlimit()
        getrlimit(number, &limit)
        let before = Int(truncatingIfNeeded: limit.rlim_cur)
        limit.rlim_cur = rlim_t(UInt(bitPattern: value))
        setrlimit(number, &limit)
        return before
    }
}
