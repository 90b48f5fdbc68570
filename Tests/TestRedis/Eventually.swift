// The one place in the tests that waits for time to pass. What a test waits for either reports itself (a stream, a
// continuation, a process's end) and is awaited as that, or it is asked about here, at a bounded rate for a bounded time.

/// How long `eventually` lets pass between two looks.
private let interval: Duration = .milliseconds(2)

/// Looks until the condition holds or the time is over; says whether it held.
public func eventually(
    within limit: Duration = .seconds(10), _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + limit
    while true {
        if try await condition() { return true }
        guard clock.now < end else { return false }
        try? await clock.sleep(for: interval)
        if Task.isCancelled { return false }
    }
}
