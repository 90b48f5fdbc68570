// A converged fleet of any size, written through the store as the agents and the leader would have written it: every
// instance is assigned, has reported ten fields that are as they should be, and is Ready.

import Manifests
import Model
import Reconcilers
import Store

struct Population: Sendable {
    static let appsPerServer = 10
    /// Fields of each instance.
    static let fields = 10
    private static let writers = 64

    let servers: [String]
    let apps: [CompiledApp]
    let manifests: String

    /// An instance, its desired state, and what it reports.
    struct Member: Sendable {
        var desired: DesiredInstance
        var report: InstanceReport
    }

    init(instances: Int) throws {
        servers = (0..<max(1, instances / Self.appsPerServer)).map { "server\($0)" }
        manifests = Self.manifest(servers: servers)
        apps = try Self.read(manifests).compactMap { resource in
            resource.app.map {
                CompiledApp(
                    name: resource.metadata.name, labels: resource.metadata.labels, spec: $0, generation: 1, blobs: [:])
            }
        }
    }

    var ids: [InstanceID] { servers.flatMap { server in apps.map { InstanceID(app: $0.name, server: server) } } }

    func facts(_ server: String) -> ServerFacts { ServerFacts(name: server, address: "127.0.0.1", root: "") }

    func member(_ app: CompiledApp, _ server: String) throws -> Member {
        guard case .resolved(let desired) = app.resolve(on: facts(server)) else {
            throw Problem("\(app.name)@\(server) does not resolve")
        }
        let values = desired.fields.map { ($0.key, Optional(Self.value(meeting: $0.expectation))) }
        let report = InstanceReport(
            id: desired.id, generation: desired.generation, digest: desired.digest,
            fields: Dictionary(values) { first, _ in first }, full: true, fieldsDigest: desired.digest)
        return Member(desired: desired, report: report)
    }

    private static func value(meeting expectation: Expectation) -> String {
        switch expectation {
        case .exactly(let text): text
        case .startsWith(let prefix): prefix + (prefix.hasSuffix(" ") ? "root:root" : "")
        case .present: "1.0"
        case .owned(let head, let owner, let group): "\(head) \(owner ?? "root"):\(group ?? "root")"
        }
    }

    // MARK: writing

    func write(to store: some OperationsStore) async throws {
        try await Self.apply(manifests, to: store)
        guard
            case .acquired(let lease) = try await store.acquireLease(
                holder: "population", nonce: "population", ttl: .seconds(120), mayPreempt: false)
        else { throw Problem("the lease is taken") }
        try await store.seal(lease)
        try await Self.forEach(servers) { server in
            try await store.report(
                ServerReport(server: server, values: ["root": "/", "status": "running", "cpu": "3"], full: true))
            for app in apps {
                let member = try member(app, server)
                let revision = try await store.report(member.report)
                try await store.commit(
                    InstanceCommit(
                        id: member.desired.id, expectedRevision: revision, expectedOpenJob: nil,
                        assignment: .set(withoutContent(member.desired)), phase: .ready,
                        metDigest: member.desired.digest), lease: lease)
            }
        }
        try await store.releaseLease(lease)
    }

    private func withoutContent(_ desired: DesiredInstance) -> Assignment {
        var assignment = desired
        for index in assignment.fields.indices {
            guard case .file(var render) = assignment.fields[index].spec else { continue }
            render.content = nil
            assignment.fields[index].spec = .file(render)
        }
        return assignment
    }

    static func apply(_ manifests: String, to store: some OperationsStore) async throws {
        let resources = try read(manifests)
        for kind in [Kind.server, .app, .schedule] {
            try await forEach(resources.filter { $0.kind == kind }) { resource in
                let draft = ResourceDraft(
                    key: resource.key, digest: resource.digest, manifest: resource.canonical, config: resource.config,
                    blobs: resource.blobs, appliedBy: "bench", expectedGeneration: nil)
                _ = try await store.apply(draft)
            }
        }
    }

    private static func forEach<Element: Sendable>(
        _ elements: [Element], _ body: @escaping @Sendable (Element) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<min(writers, elements.count) {
                group.addTask {
                    for index in stride(from: writer, to: elements.count, by: writers) {
                        try await body(elements[index])
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    // MARK: manifests

    private static func read(_ text: String) throws -> [ManifestResource] {
        let source = ManifestSource(name: "bench.json", text: Array(text.utf8)) { _, _ throws(SourceFailure) in
            throw .notFound
        }
        return try ManifestReader.read([source]).resources
    }

    private static func manifest(servers: [String]) -> String {
        let declared = servers.map {
            """
            {"apiVersion":"ops/v1","kind":"Server","metadata":{"name":"\($0)","labels":{"role":"web"}},\
            "spec":{"address":"127.0.0.1","monitor":{"every":"1h"}}}
            """
        }
        let apps = (0..<appsPerServer).map { index in
            """
            {"apiVersion":"ops/v1","kind":"App","metadata":{"name":"app\(index)"},
             "spec":{"placement":{"selector":{"role":"web"}},
              "config":{"port":\(8000 + index),"host":"127.0.0.1","level":"info"},
              "packages":{"nginx":"present"},
              "directories":{"/srv/app\(index)":{"mode":"0755"},"/etc/app\(index)":{"mode":"0755"}},
              "files":{"/etc/app\(index)/app.conf":{"content":"listen ${config.port};\\n"},
                       "/srv/app\(index)/index.html":{"content":"<h1>${server.name}</h1>\\n"}},
              "services":{"app":{"command":["app","-c","/etc/app\(index)/app.conf"],
                                 "restartOn":["file:/etc/app\(index)/app.conf"]}},
              "health":{"home":{"tcp":"${server.address}:${config.port}"}}}}
            """
        }
        return "[\((declared + apps).joined(separator: ",\n"))]\n"
    }
}
