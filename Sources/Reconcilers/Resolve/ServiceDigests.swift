// Whether a running process is of this very definition: two digests that travel with it. What changes the process is in
// `run`; how it is stopped or told to reload is not, because changing that needs no restart.

import Model

enum ServiceDigests {
    /// Of a service with nothing to reload on, and of a process started while what it reads was not in sync.
    static let none = "000000000000"
    private static let digits = 12

    /// `expected` gives the expectation of another field of the same instance.
    static func run(of spec: ServiceSpec, expected: (FieldKey) -> Expectation?) -> ServiceRun {
        var digest = CanonicalDigest()
        digest.add(spec.command)
        digest.add(spec.environment)
        digest.add(spec.directory)
        digest.add(spec.user)
        digest.add(watched(spec.restartOn, expected))
        return ServiceRun(spec: spec, run: digest.hex(digits), load: load(of: spec, expected: expected))
    }

    private static func load(of spec: ServiceSpec, expected: (FieldKey) -> Expectation?) -> String {
        guard !spec.reloadOn.isEmpty else { return none }
        var digest = CanonicalDigest()
        digest.add(watched(spec.reloadOn, expected))
        return digest.hex(digits)
    }

    private static func watched(_ keys: [FieldKey], _ expected: (FieldKey) -> Expectation?) -> [String] {
        keys.sorted().map { "\($0)=\(expected($0)?.text ?? "")" }
    }
}
