// How long to wait after a job that ended dead, before the next round.

import Model

public enum RoundBackoff {
    public static let first = Duration.seconds(10)
    public static let longest = Duration.seconds(3600)
    /// 10 s · 2^9 is beyond the longest: more doublings change nothing.
    private static let maximumDoublings = 9

    /// The wait after the `round`-th job in a row that ended dead.
    public static func delay(afterRound round: Int) -> Duration {
        guard round > 0 else { return .zero }
        return min(longest, first * (1 << min(round - 1, maximumDoublings)))
    }
}

extension ReconcileInput {
    /// The round of a plan for this generation: dead jobs of another generation say nothing about it.
    func round(for generation: Int) -> Int { generation == roundGeneration ? round : 0 }

    /// Set while the next round has to wait.
    func backoff(for generation: Int, now: Timestamp) -> Hold? {
        let round = round(for: generation)
        guard round > 0, let roundEndedAt else { return nil }
        let until = roundEndedAt + RoundBackoff.delay(afterRound: round)
        return now < until ? .backoff(until: until, error: roundError ?? "the last job ended dead") : nil
    }
}
