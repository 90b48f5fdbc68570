// The same observation never emits twice: a job's id is made from what the plan was made from, and from nothing else.

public import Model

/// Makes the ids of jobs.
public enum JobID {
    /// 20 hex digits over instance, generation, desired digest, observed revision and round.
    public static func make(_ plan: Plan) -> String {
        var digest = CanonicalDigest()
        digest.add(plan.instance.appKey)
        digest.add(plan.instance.server)
        digest.add(plan.generation)
        digest.add(plan.digest)
        digest.add(plan.revision)
        digest.add(plan.round)
        return digest.hex(20)
    }
}
