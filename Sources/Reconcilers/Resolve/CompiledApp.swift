// A resource made ready to answer "what should this instance be?" for any number of servers.

public import Model

/// An App of one generation, its templates parsed once for each variant.
public struct CompiledApp: Sendable {
    public let name: String
    public let labels: [String: String]
    public let spec: AppSpec
    public let generation: Int
    private let base: CompiledWorkload
    private let overrides: [String: CompiledWorkload]

    /// `blobs`: contents by their SHA-256. An App whose contents are not all there resolves to `waiting`.
    public init(name: String, labels: [String: String], spec: AppSpec, generation: Int, blobs: [String: [UInt8]]) {
        self.name = name
        self.labels = labels
        self.spec = spec
        self.generation = generation
        base = CompiledWorkload(spec.content, appName: name, blobs: blobs)
        overrides = spec.overrides.mapValues { CompiledWorkload($0, appName: name, blobs: blobs) }
    }

    /// What this App's instance on a server should be.
    public func resolve(on server: ServerFacts) -> Resolution {
        workload(on: server.name).resolution(InstanceID(app: name, server: server.name), generation, on: server)
    }

    /// What an observed hash is compared with, compact enough to be kept for each instance; nil while it waits.
    public func expectation(on server: ServerFacts) -> InstanceExpectation? {
        workload(on: server.name).expectation(on: server)
    }

    /// Whether instances differ from server to server beyond the overrides.
    public func dependsOnServer(_ server: String) -> Bool { workload(on: server).dependsOnServer }

    private func workload(on server: String) -> CompiledWorkload { overrides[server] ?? base }
}

/// What a Server of one generation carries by itself.
public struct CompiledServer: Sendable {
    public let name: String
    public let labels: [String: String]
    public let spec: ServerSpec
    public let generation: Int
    private let content: CompiledWorkload

    public init(name: String, labels: [String: String], spec: ServerSpec, generation: Int, blobs: [String: [UInt8]]) {
        self.name = name
        self.labels = labels
        self.spec = spec
        self.generation = generation
        content = CompiledWorkload(spec.content, appName: nil, blobs: blobs)
    }

    /// Whether there is anything to place: a Server without content has no instance of its own.
    public var hasContent: Bool { !spec.content.isEmpty }

    /// This server, as templates know it.
    public func facts(root: String?) -> ServerFacts { ServerFacts(name: name, address: spec.address, root: root) }

    /// What the Server's own instance should be.
    public func resolve(root: String?) -> Resolution {
        content.resolution(InstanceID(app: nil, server: name), generation, on: facts(root: root))
    }

    /// What its observed hash is compared with; nil while it waits.
    public func expectation(root: String?) -> InstanceExpectation? { content.expectation(on: facts(root: root)) }
}

extension CompiledWorkload {
    func resolution(_ id: InstanceID, _ generation: Int, on facts: ServerFacts) -> Resolution {
        do {
            let resolved = try fields(on: facts)
            return .resolved(
                DesiredInstance(id: id, generation: generation, digest: resolved.digest, fields: resolved.fields))
        } catch {
            return .waiting(why: error.why)
        }
    }
}

extension DesiredInstance {
    /// The assignment: the same without file contents, because the agent is only to observe.
    public var withoutContents: Assignment {
        var result = self
        for index in result.fields.indices {
            guard case .file(var render) = result.fields[index].spec, render.content != nil else { continue }
            render.content = nil
            result.fields[index].spec = .file(render)
        }
        return result
    }
}
