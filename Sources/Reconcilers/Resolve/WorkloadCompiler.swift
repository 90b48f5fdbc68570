// From a workload to its entries, each of them settled if no server has a say in it.

import Model

struct WorkloadCompiler {
    let workload: Workload
    var texts: TextTable
    let blobs: [String: [UInt8]]

    /// All entries, in the order of steps.
    mutating func entries() throws(ResolveProblem) -> [CompiledEntry] {
        var result = plainEntries()
        for (path, file) in workload.files.inOrder { result.append(try entry(path, file)) }
        for (name, command) in workload.commands.inOrder { result.append(try entry(name, command)) }
        for (name, service) in workload.services.inOrder { result.append(try entry(name, service, before: result)) }
        for (name, health) in workload.health.inOrder { result.append(try entry(name, health)) }
        return result
    }

    /// Entries without templates.
    private func plainEntries() -> [CompiledEntry] {
        let config = workload.config.inOrder.map { name, value in
            DesiredField(key: FieldKey(.config, name), expectation: .exactly(value), spec: .config(value: value))
        }
        let packages = workload.packages.inOrder.map { name, spec in
            DesiredField(key: FieldKey(.package, name), expectation: .package(spec), spec: .package(spec))
        }
        let directories = workload.directories.inOrder.map { path, spec in
            DesiredField(
                key: FieldKey(.directory, path), expectation: .directory(spec.ownership),
                spec: .directory(spec.ownership))
        }
        return (config + packages + directories).map { .settled($0) }
    }

    private mutating func entry(_ path: String, _ file: FileSpec) throws(ResolveProblem) -> CompiledEntry {
        let key = FieldKey(.file, path)
        switch file.content {
        case .inline(let text): return try templateEntry(key, text, file.ownership)
        case .blob(let digest, let template):
            guard let bytes = blobs[digest] else {
                throw ResolveProblem(why: "\(key): its content (\(digest.prefix(12))…) is not in the store")
            }
            guard template, let text = String(validating: bytes, as: UTF8.self) else {
                return .settled(.file(key, content: bytes, file.ownership))
            }
            return try templateEntry(key, text, file.ownership)
        }
    }

    private func templateEntry(
        _ key: FieldKey, _ text: String, _ ownership: Ownership
    ) throws(ResolveProblem) -> CompiledEntry {
        let compiled = try named(key) { () throws(ResolveProblem) in try CompiledText(text, in: texts.scope) }
        guard let fixed = compiled.fixed else { return .file(key, compiled, ownership) }
        return .settled(.file(key, content: Array(fixed.utf8), ownership))
    }

    private mutating func entry(_ name: String, _ spec: CommandSpec) throws(ResolveProblem) -> CompiledEntry {
        let key = FieldKey(.command, name)
        let fixed = try settling(key) { (map) throws(ResolveProblem) in try spec.mappingTexts(map) }
        return fixed.map { .settled(.command(key, $0)) } ?? .command(key, spec)
    }

    private mutating func entry(_ name: String, _ spec: HealthSpec) throws(ResolveProblem) -> CompiledEntry {
        let key = FieldKey(.health, name)
        let fixed = try settling(key) { (map) throws(ResolveProblem) in try spec.mappingTexts(map) }
        return fixed.map { .settled(.health(key, $0)) } ?? .health(key, spec)
    }

    private mutating func entry(
        _ name: String, _ spec: ServiceSpec, before: [CompiledEntry]
    ) throws(ResolveProblem) -> CompiledEntry {
        let key = FieldKey(.service, name)
        let fixed = try settling(key) { (map) throws(ResolveProblem) in try spec.mappingTexts(map) }
        let settled = before.compactMap(\.fixed)
        let open = Set(before.lazy.filter { $0.fixed == nil && $0.key.kind == .file }.map(\.key))
        guard let fixed, open.isDisjoint(with: spec.restartOn + spec.reloadOn) else { return .service(key, spec) }
        return .settled(.service(key, fixed, before: settled))
    }

    /// The spec with its texts filled in, or nil if one of them waits for a server.
    private mutating func settling<Spec>(
        _ key: FieldKey, _ mapping: (TextMap) throws(ResolveProblem) -> Spec
    ) throws(ResolveProblem) -> Spec? {
        var table = texts
        var isFixed = true
        let spec = try named(key) { () throws(ResolveProblem) in
            try mapping { (text) throws(ResolveProblem) in
                if let fixed = try table.compile(text) { return fixed }
                isFixed = false
                return text
            }
        }
        texts = table
        return isFixed ? spec : nil
    }

    /// Puts the field's name before what went wrong.
    private func named<Value>(
        _ key: FieldKey, _ body: () throws(ResolveProblem) -> Value
    ) throws(ResolveProblem) -> Value {
        do {
            return try body()
        } catch {
            throw ResolveProblem(why: "\(key): \(error.why)")
        }
    }
}

extension Dictionary where Key == String {
    /// By key: the order of fields within a kind.
    var inOrder: [(key: String, value: Value)] { sorted { $0.key < $1.key } }
}
