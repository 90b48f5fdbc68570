// A plan in a file: what it would write, and what it was made from. `apply --plan` writes it only if nothing moved since:
// neither a desired generation nor an observed revision.

internal import Glibc
internal import JSON
internal import Manifests
internal import Model
internal import Output
internal import Store

struct SavedPlan {
    private static let format = "ops/plan-v1"

    var madeAt: Timestamp
    var resources: [PlannedResource]
    var revisions: [InstanceID: Int]

    init(madeAt: Timestamp, resources: [PlannedResource], items: [PlanItem]) {
        self.madeAt = madeAt
        self.resources = resources
        revisions = Dictionary(items.map { ($0.instance, $0.revision) }) { first, _ in first }
    }

    var document: JSONValue {
        var instances: [String: JSONValue] = [:]
        for (id, revision) in revisions { instances[id.description] = .int(revision) }
        return [
            "format": .string(Self.format), "madeAt": .string(madeAt.rfc3339),
            "resources": .array(resources.map(Self.document)), "revisions": .object(instances),
        ]
    }

    private static func document(_ planned: PlannedResource) -> JSONValue {
        var blobs: [String: JSONValue] = [:]
        for (digest, content) in planned.resource.blobs {
            blobs[digest] =
                FileRender(digest: digest, size: content.count, ownership: Ownership(mode: 0), content: content).json
        }
        return [
            "generation": .int(planned.storedGeneration), "manifest": .string(planned.resource.canonical),
            "blobs": .object(blobs),
        ]
    }

    func write(to path: String) throws(CommandFailure) {
        let text = document.pretty() + "\n"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CommandFailure("cannot write \(path.printable): \(systemText(errno))") }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw CommandFailure("cannot write \(path.printable): \(systemText(errno))") }
            rest = rest.dropFirst(count)
        }
    }
}

extension SavedPlan {
    static func read(_ path: String) throws(CommandFailure) -> SavedPlan {
        guard case .success(let source)? = ManifestFiles.read([path]).first else {
            throw CommandFailure("\(path.printable): no such file, or none that can be read; check the path")
        }
        do {
            return try SavedPlan(try JSONValue.parse(source.text))
        } catch {
            throw CommandFailure(
                "\(path.printable) is no plan that `opsapply plan --out` wrote: \("\(error)".printable)")
        }
    }

    private struct Misread: Error, CustomStringConvertible { var description: String }

    private init(_ json: JSONValue) throws {
        guard json["format"]?.string == Self.format else {
            throw Misread(description: "expected \"format\": \"\(Self.format)\"")
        }
        guard let madeAt = json["madeAt"]?.string.flatMap({ Timestamp(rfc3339: $0) }),
            let resources = json["resources"]?.array, let revisions = json["revisions"]?.object
        else { throw Misread(description: "expected madeAt, resources and revisions") }
        self.madeAt = madeAt
        self.resources = try resources.map(Self.resource)
        self.revisions = [:]
        for (name, revision) in revisions {
            guard let id = InstanceID(name), let revision = revision.int else {
                throw Misread(description: "\"\(name)\" is no instance with a revision")
            }
            self.revisions[id] = revision
        }
    }

    private static func resource(_ json: JSONValue) throws -> PlannedResource {
        guard let generation = json["generation"]?.int, let manifest = json["manifest"]?.string else {
            throw Misread(description: "expected generation and manifest of each resource")
        }
        var blobs: [String: [UInt8]] = [:]
        for (digest, blob) in json["blobs"]?.object ?? [:] {
            let render = try FileRender(json: blob)
            // Contents are stored under their digests: an edited one must not get in under the name of another.
            guard Digest.of(render.content ?? []) == digest else {
                throw Misread(description: "the content \(digest) is not what its digest says")
            }
            blobs[digest] = render.content
        }
        var resource = try ManifestReader.readStored(manifest, blobs: blobs)
        resource.blobs = blobs
        var planned = PlannedResource(resource, stored: nil)
        planned.storedGeneration = generation
        return planned
    }

    /// Refuses with one line for each thing that moved.
    func check(against store: any OperationsStore) async throws {
        var moved: [String] = []
        for planned in resources {
            let generation = try await store.resource(planned.resource.key)?.generation ?? 0
            if generation != planned.storedGeneration {
                moved.append(
                    "\(planned.resource.key) moved since the plan was made: generation \(planned.storedGeneration) then, "
                        + "\(generation) now")
            }
        }
        try await Fleet.forEach(revisions.keys.sorted(), in: store) { snapshots in
            for snapshot in snapshots {
                let (then, now) = (revisions[snapshot.id] ?? 0, snapshot.observed?.revision ?? 0)
                guard then != now else { continue }
                moved.append("\(snapshot.id) moved since the plan was made: observed revision \(then) then, \(now) now")
            }
        }
        guard moved.isEmpty else { throw CommandFailure(moved + ["nothing is applied: make the plan again"]) }
    }
}
