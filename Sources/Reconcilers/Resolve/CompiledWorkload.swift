// A workload with its templates parsed once. What is the same on every server is one array that all instances share;
// only what asks something of the server is made again for each.

import Model

/// One variant of an App's content (its base, or one server's override), or what a Server carries.
final class CompiledWorkload: Sendable {
    /// In the order of steps.
    private let entries: [CompiledEntry]
    private let texts: TextTable
    /// Why no instance can be resolved from this.
    private let problem: String?
    /// The outcome where no server has a say in it.
    private let shared: ResolvedFields?
    /// The shape for comparing observed hashes.
    let table: ExpectationTable

    init(_ workload: Workload, appName: String?, blobs: [String: [UInt8]]) {
        var compiler = WorkloadCompiler(
            workload: workload, texts: TextTable(scope: TextScope(appName: appName, config: workload.config)),
            blobs: blobs)
        do {
            entries = try compiler.entries()
            problem = nil
        } catch {
            entries = []
            problem = error.why
        }
        texts = compiler.texts
        let fixed = entries.compactMap(\.fixed)
        shared = problem == nil && fixed.count == entries.count ? ResolvedFields(fields: fixed) : nil
        table = ExpectationTable(entries)
    }

    var dependsOnServer: Bool { problem == nil && shared == nil }

    func fields(on facts: ServerFacts) throws(ResolveProblem) -> ResolvedFields {
        if let problem { throw ResolveProblem(why: problem) }
        if let shared { return shared }
        var fields: [DesiredField] = []
        fields.reserveCapacity(entries.count)
        for entry in entries { fields.append(try entry.field(on: facts, texts: texts, before: fields)) }
        return ResolvedFields(fields: fields)
    }
}

/// Final fields and their digest.
struct ResolvedFields: Sendable {
    let fields: [DesiredField]
    let digest: String

    init(fields: [DesiredField]) {
        self.fields = fields
        digest = InstanceDigest.of(fields)
    }
}
