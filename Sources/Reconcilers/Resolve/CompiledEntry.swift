// One entry of a workload: final already, or waiting for a server to say its part.

import Model

/// An entry that is a field as soon as the server is known.
enum CompiledEntry: Sendable {
    case settled(DesiredField)
    case file(FieldKey, CompiledText, Ownership)
    case command(FieldKey, CommandSpec)
    case service(FieldKey, ServiceSpec)
    case health(FieldKey, HealthSpec)

    var key: FieldKey {
        switch self {
        case .settled(let field): field.key
        case .file(let key, _, _), .command(let key, _), .service(let key, _), .health(let key, _): key
        }
    }

    var fixed: DesiredField? {
        if case .settled(let field) = self { field } else { nil }
    }

    /// `before`: the fields of this instance that come earlier in the order of steps, which a service may refer to.
    func field(
        on facts: ServerFacts, texts: TextTable, before: [DesiredField]
    ) throws(ResolveProblem) -> DesiredField {
        let map: TextMap = { (text) throws(ResolveProblem) in try texts.rendered(text, on: facts) }
        switch self {
        case .settled(let field): return field
        case .file(let key, let content, let ownership):
            return .file(key, content: Array(try content.rendered(on: facts).utf8), ownership)
        case .command(let key, let spec): return .command(key, try spec.mappingTexts(map))
        case .service(let key, let spec): return .service(key, try spec.mappingTexts(map), before: before)
        case .health(let key, let spec): return .health(key, try spec.mappingTexts(map))
        }
    }
}

extension DesiredField {
    static func file(_ key: FieldKey, content: [UInt8], _ ownership: Ownership) -> DesiredField {
        let digest = Hex.contentDigest(content)
        return DesiredField(
            key: key, expectation: .file(digest: digest, ownership),
            spec: .file(FileRender(digest: digest, size: content.count, ownership: ownership, content: content)))
    }

    static func command(_ key: FieldKey, _ spec: CommandSpec) -> DesiredField {
        DesiredField(key: key, expectation: .commandDone, spec: .command(spec))
    }

    static func health(_ key: FieldKey, _ spec: HealthSpec) -> DesiredField {
        DesiredField(key: key, expectation: .healthy, spec: .health(spec))
    }

    /// A service cannot refer to a service: those are no fields that come before it.
    static func service(_ key: FieldKey, _ spec: ServiceSpec, before: [DesiredField]) -> DesiredField {
        let run = ServiceDigests.run(of: spec) { watched in
            watched.kind < .service ? before.first { $0.key == watched }?.expectation : nil
        }
        let value = FieldValue.running(run: run.run, load: run.load)
        return DesiredField(key: key, expectation: .exactly(value), spec: .service(run))
    }
}
