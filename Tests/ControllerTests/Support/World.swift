// A store, agents, and replicas of the real controller, all on one manual clock.

import Controller
import Logging
import Manifests
import Model
import Reconcilers
import Store
import Testing

final class World: Sendable {
    let time = ManualTime()
    let store: InMemoryStore
    let agents: FakeAgents

    init() {
        let time = time
        store = InMemoryStore(clock: { time.timestamp() })
        agents = FakeAgents(store: store)
    }

    // What people do

    func apply(_ manifests: String...) async throws {
        for manifest in manifests { try await Self.apply(manifest, to: store) }
    }

    static func apply(_ manifest: String, to store: any ResourceStore) async throws {
        let set = try ManifestReader.read([ManifestSource(name: "test.json", text: manifest)])
        for resource in set.resources {
            _ = try await store.apply(
                ResourceDraft(
                    key: resource.key, digest: resource.digest, manifest: resource.canonical,
                    config: resource.config, blobs: resource.blobs, appliedBy: "test", expectedGeneration: nil))
        }
    }

    static func server(_ name: String, labels: [String: String] = ["role": "web"]) -> String {
        let labels = labels.map { "\"\($0.key)\": \"\($0.value)\"" }.sorted().joined(separator: ", ")
        return """
            { "apiVersion": "ops/v1", "kind": "Server", "metadata": { "name": "\(name)", "labels": { \(labels) } },
              "spec": { "address": "127.0.0.1" } }
            """
    }

    static func app(
        _ name: String, placement: String = "{ \"selector\": { \"role\": \"web\" } }", port: Int = 8080,
        extra: String = ""
    ) -> String {
        """
        { "apiVersion": "ops/v1", "kind": "App", "metadata": { "name": "\(name)" },
          "spec": {
            "placement": \(placement),
            "config": { "port": \(port) },
            "files": { "/etc/\(name).conf": { "content": "port ${config.port}\\n" } },
            "services": { "\(name)": { "command": ["\(name)d"], "restartOn": ["file:/etc/\(name).conf"] } }
            \(extra) } }
        """
    }

    /// As a replica keeps what is stored.
    static func compiled(_ manifest: String) throws -> CompiledResource {
        let resource = try #require(
            try ManifestReader.read([ManifestSource(name: "test.json", text: manifest)]).resources.first)
        let mark = StoredMark(digest: resource.digest, confirmed: nil)
        let (name, labels) = (resource.metadata.name, resource.metadata.labels)
        switch resource.spec {
        case .app(let spec):
            return .app(CompiledApp(name: name, labels: labels, spec: spec, generation: 1, blobs: [:]), mark)
        case .server(let spec):
            return .server(CompiledServer(name: name, labels: labels, spec: spec, generation: 1, blobs: [:]), mark)
        case .schedule:
            return .absent(resource.key, nil)
        }
    }

    func addServers(_ names: [String]) async throws {
        for name in names { try await apply(Self.server(name)) }
    }

    // Replicas

    func replica(_ name: String, change: (inout ControllerConfiguration) -> Void = { _ in }) -> RunningReplica {
        var configuration = ControllerConfiguration(holder: name)
        change(&configuration)
        let faulty = FaultyStore(store)
        let nonces = NonceCounter(prefix: "\(name)-\(time.now())-")
        var logger = Logger(label: name) { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        let replica = Replica(store: faulty, configuration: configuration, time: time, logger: logger) { nonces.next() }
        return RunningReplica(name: name, store: faulty, replica: replica, task: Task { await replica.run() })
    }

    /// Lets everything run, agents included, until the condition holds.
    func eventually(
        _ limit: Duration = .seconds(60), servers: [String], _ condition: () async throws -> Bool
    ) async throws -> Bool {
        var passed: Duration = .zero
        while passed < limit {
            if try await condition() { return true }
            try await agents.round(servers)
            await time.pass(.milliseconds(50))
            passed += .milliseconds(50)
        }
        return try await condition()
    }

    func isReady(_ key: ResourceKey, generation: Int? = nil) async throws -> Bool {
        guard let status = try await store.status(key) else { return false }
        return status.condition(.ready)?.status == true
            && (generation == nil || status.observedGeneration == generation)
    }

    func phase(_ id: InstanceID) async throws -> InstancePhase? { try await store.instance(id).control?.phase }
    func events(_ reason: String) async throws -> [Event] {
        try await store.events(limit: 1000).filter { $0.reason == reason }
    }
}

/// A replica as a process: it can be killed, paused, and cut off.
final class RunningReplica: Sendable {
    let name: String
    let store: FaultyStore
    let replica: Replica
    private let task: Task<Void, Never>

    init(name: String, store: FaultyStore, replica: Replica, task: Task<Void, Never>) {
        self.name = name
        self.store = store
        self.replica = replica
        self.task = task
    }

    func isLeading(at now: Duration) -> Bool { replica.leadership.lease(at: now) != nil }

    /// kill -9: its calls go nowhere from now on, and its lines are gone.
    func kill() async {
        store.die()
        await store.cutPresence()
        task.cancel()
    }

    func stop() async {
        replica.shutDown()
    }

    func end() async {
        store.resume()
        task.cancel()
        await task.value
    }
}
