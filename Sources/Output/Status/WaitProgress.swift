// What a waiting person sees of one resource, and when the wait is over.

package import Model

/// One thing that is waited for: a condition of a resource at a generation or a later one.
package struct WaitTarget: Sendable, Hashable {
    package var key: ResourceKey
    package var generation: Int
    package var condition: Condition.Kind
    /// Ready is enough of those that no Server suspends.
    package var leavesSuspended: Bool

    package init(
        key: ResourceKey, generation: Int, condition: Condition.Kind = .ready, leavesSuspended: Bool = false
    ) {
        self.key = key
        self.generation = generation
        self.condition = condition
        self.leavesSuspended = leavesSuspended
    }

    /// Whether this status is what was waited for. What has no instances is Ready at once.
    package func isMet(by status: ResourceStatus?) -> Bool {
        guard key.kind.hasInstances else { return condition == .ready }
        guard let status, status.observedGeneration >= generation else { return false }
        return status.condition(condition)?.status ?? false || hasOnlySuspendedLeft(status)
    }

    private func hasOnlySuspendedLeft(_ status: ResourceStatus) -> Bool {
        guard leavesSuspended, condition == .ready, status.condition(.degraded)?.status != true else { return false }
        return status.counts[.suspended, default: 0] > 0
            && status.counts.allSatisfy { $0.value == 0 || $0.key == .ready || $0.key == .suspended }
    }

    /// `App/webapp  2/3 Ready  Progressing: 1 job is under way`, without the name.
    package func progress(_ status: ResourceStatus?) -> String {
        guard key.kind.hasInstances else { return "Ready: a Schedule has no instances to wait for" }
        guard let status, status.observedGeneration >= generation else {
            return "waiting for a controller to see generation \(generation)"
        }
        let counts = InstancePhase.allCases.compactMap { phase in
            status.counts[phase].flatMap { $0 > 0 ? "\($0) \(phase.rawValue)" : nil }
        }
        let instances = counts.isEmpty ? "no instances" : counts.joined(separator: ", ")
        if status.condition(condition)?.status == true { return "\(condition.rawValue): \(instances)" }
        if isMet(by: status) { return "\(instances): what is suspended is not waited for" }
        let word = StatusWord(status, generation: generation)
        let why = word.message.isEmpty ? word.text : word.message
        return "\(instances): \(why.printable)"
    }
}
