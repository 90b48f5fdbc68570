// From stored manifests to compiled resources.

import Manifests
import Model
import Reconcilers
import Store

struct ResourceLoader: Sendable {
    let store: any ControllerStore
    /// How many are read at once.
    let readers: Int

    /// These resources as they are stored now.
    @concurrent func load(_ keys: [ResourceKey]) async throws(StoreError) -> [CompiledResource] {
        let results = await mapped(keys) { key in await result { () throws(StoreError) in try await load(key) } }
        var loaded: [CompiledResource] = []
        for result in results { loaded.append(try result.get()) }
        return loaded
    }

    private func load(_ key: ResourceKey) async throws(StoreError) -> CompiledResource {
        do {
            if let stored = try await store.resource(key) { return try await compile(stored) }
        } catch .corrupt(let place, let why) {
            return .unreadable(key, generation: 0, why: "\(place): \(why)")
        }
        return .absent(key, try await store.tombstone(of: key))
    }

    /// Everything of one kind, tombstones included.
    @concurrent func loadAll(_ kind: Kind) async throws(StoreError) -> [CompiledResource] {
        let tombstones = try await store.tombstones(kind)
        let stored = try await store.resources(kind)
        let results = await mapped(stored) { stored in
            await result { () throws(StoreError) in try await compile(stored) }
        }
        var loaded: [CompiledResource] = []
        for result in results { loaded.append(try result.get()) }
        let there = Set(stored.map(\.key))
        return loaded + tombstones.filter { !there.contains($0.key) }.map { .absent($0.key, $0) }
    }

    /// Compiles one. A manifest that cannot be read is an answer, not an error: the rest goes on.
    private func compile(_ stored: StoredResource) async throws(StoreError) -> CompiledResource {
        if let problem = stored.problem { return .unreadable(stored.key, generation: stored.generation, why: problem) }
        let resource: ManifestResource
        do {
            resource = try ManifestReader.readStored(stored.manifest)
        } catch {
            return .unreadable(stored.key, generation: stored.generation, why: "\(error)")
        }
        let mark = StoredMark(digest: stored.digest, confirmed: stored.removalConfirmedGeneration)
        let blobs: [String: [UInt8]]
        do throws(StoreError) {
            blobs = try await self.blobs(of: resource, stored.key)
        } catch .corrupt(let place, let why) {
            return .unreadable(stored.key, generation: stored.generation, why: "\(place): \(why)")
        }
        switch resource.spec {
        case .app(let spec):
            return .app(
                CompiledApp(
                    name: stored.key.name, labels: resource.metadata.labels, spec: spec,
                    generation: stored.generation, blobs: blobs), mark)
        case .server(let spec):
            return .server(
                CompiledServer(
                    name: stored.key.name, labels: resource.metadata.labels, spec: spec,
                    generation: stored.generation, blobs: blobs), mark)
        case .schedule:
            // Nobody loads Schedules: this one lies where another kind should.
            return .unreadable(
                stored.key, generation: stored.generation, why: "expected \(stored.key), found \(resource.key)")
        }
    }

    private func blobs(of resource: ManifestResource, _ key: ResourceKey) async throws(StoreError) -> [String: [UInt8]]
    {
        var blobs: [String: [UInt8]] = [:]
        for digest in resource.spec.blobDigests.sorted() {
            if let content = try await store.blob(digest, of: key) { blobs[digest] = content }
        }
        return blobs
    }

    // Bounded concurrency

    private func result<Value>(_ body: () async throws(StoreError) -> Value) async -> Result<Value, StoreError> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }

    /// In order, at most `readers` at once.
    private func mapped<Input: Sendable, Output: Sendable>(
        _ inputs: [Input], _ body: @escaping @Sendable (Input) async -> Output
    ) async -> [Output] {
        await withTaskGroup(of: (Int, Output).self) { group in
            var outputs = [Output?](repeating: nil, count: inputs.count)
            var next = 0
            func start() {
                guard next < inputs.count else { return }
                let (index, input) = (next, inputs[next])
                group.addTask { (index, await body(input)) }
                next += 1
            }
            for _ in 0..<readers { start() }
            while let (index, output) = await group.next() {
                outputs[index] = output
                start()
            }
            return outputs.compactMap(\.self)
        }
    }
}

extension ManifestResource.Spec {
    /// The contents that it refers to.
    var blobDigests: Set<String> {
        let workloads: [Workload] =
            switch self {
            case .app(let spec): [spec.content] + spec.overrides.values
            case .server(let spec): [spec.content]
            case .schedule: []
            }
        var digests: Set<String> = []
        for file in workloads.flatMap(\.files.values) {
            if case .blob(let digest, _) = file.content { digests.insert(digest) }
        }
        return digests
    }
}
