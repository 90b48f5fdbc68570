// What is desired: the stored resources, read, and the resources of the files that were given.

internal import Glibc
internal import Manifests
internal import Model
internal import Output
internal import Store

/// A stored resource and its manifest as read.
struct KnownResource: Sendable {
    var stored: StoredResource
    var manifest: ManifestResource

    var key: ResourceKey { stored.key }
}

/// What is stored: one damaged hash hides no other resource.
struct KnownResources: Sendable {
    var readable: [KnownResource] = []
    /// Those that cannot be read.
    var damaged: Set<ResourceKey> = []
}

enum Desired {
    /// Every stored resource. Those that cannot be read are told one by one.
    static func stored(_ store: any OperationsStore) async throws -> KnownResources {
        var known = KnownResources()
        for kind in Kind.allCases {
            for resource in try await store.resources(kind) {
                do throws(CommandFailure) { known.readable.append(try read(resource)) } catch {
                    known.damaged.insert(resource.key)
                    for line in error.lines { Console.note("warning: \(line)") }
                }
            }
        }
        known.readable.sort { $0.key < $1.key }
        return known
    }

    /// One resource by its key; of one that cannot be read at all, that and why.
    static func resource(_ key: ResourceKey, in store: any OperationsStore) async throws -> StoredResource? {
        do {
            return try await store.resource(key)
        } catch StoreError.corrupt(let place, let why) {
            return StoredResource(
                key: key, generation: 0, digest: "", manifest: "", config: [:], appliedBy: "",
                appliedAt: Timestamp(milliseconds: 0), problem: "\(place): \(why)")
        }
    }

    static func read(_ resource: StoredResource) throws(CommandFailure) -> KnownResource {
        if let problem = resource.problem {
            throw CommandFailure("\(resource.key) cannot be read: \(problem.printable)")
        }
        do throws(ManifestError) {
            return KnownResource(stored: resource, manifest: try ManifestReader.readStored(resource.manifest))
        } catch {
            throw CommandFailure(
                "the stored manifest of \(resource.key) cannot be read: \(error.description.printable); apply its manifest again"
            )
        }
    }

    /// Reads files on their own, before anything is connected to; errors are told all at once.
    static func files(_ paths: [String]) throws(CommandFailure) -> ManifestReading {
        do throws(ManifestErrors) { return try ManifestReading(ManifestFiles.read(paths)) } catch {
            throw failure(error)
        }
    }

    /// What was read, against what is stored already; warnings go to standard error.
    static func given(_ reading: ManifestReading, among known: [KnownResource]?) throws(CommandFailure) -> ManifestSet {
        do throws(ManifestErrors) {
            var context = known.map(context) ?? .none
            context.now = wallClock()
            let set = try reading.resources(among: context)
            for warning in set.warnings { Console.aside(warning.description.printable + "\n") }
            return set
        } catch {
            throw failure(error)
        }
    }

    /// This machine's clock: good enough for a warning, and there without a store.
    private static func wallClock() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    static func failure(_ errors: ManifestErrors) -> CommandFailure {
        .inFiles(errors.errors.map(\.description.printable))
    }

    private static func context(_ known: [KnownResource]) -> ManifestContext {
        var servers: [String: [String: String]] = [:]
        var apps: [String: Set<String>] = [:]
        var actions: [String: Set<String>] = [:]
        for resource in known {
            switch resource.manifest.spec {
            case .server: servers[resource.key.name] = resource.manifest.metadata.labels
            case .app(let spec):
                apps[resource.key.name] = Set(spec.dependsOn.keys)
                actions[resource.key.name] = Set(spec.actions.keys)
            case .schedule: break
            }
        }
        var context = ManifestContext(servers: servers, apps: apps)
        context.actions = actions
        return context
    }
}

extension ManifestResource {
    /// What is suspended is left as it is, and so need not become Ready.
    func isSuspended(at now: Timestamp) -> Bool { (app?.suspend ?? server?.suspend)?.isInForce(at: now) ?? false }

    /// This resource as `apply` writes it.
    func draft(by person: String, expectedGeneration: Int?) -> ResourceDraft {
        ResourceDraft(
            key: key, digest: digest, manifest: canonical, config: config, blobs: blobs, appliedBy: person,
            expectedGeneration: expectedGeneration, reportInterval: server?.monitor.every,
            labels: server == nil ? nil : metadata.labels)
    }
}
