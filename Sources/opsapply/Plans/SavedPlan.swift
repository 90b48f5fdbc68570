// A plan in a file: what it would write, and what it was made from. `apply --plan` writes it only if nothing of that moved
// since.

internal import Glibc
internal import JSON
internal import Manifests
internal import Model
internal import Output
internal import Store

struct SavedPlan {
    private static let format = "ops/plan-v2"
    private static let shownMoves = 20

    var madeAt: Timestamp
    var resources: [PlannedResource]
    var basis: PlanBasis

    init(madeAt: Timestamp, resources: [PlannedResource], basis: PlanBasis) {
        self.madeAt = madeAt
        self.resources = resources
        self.basis = basis
    }

    var document: JSONValue {
        [
            "format": .string(Self.format), "madeAt": .string(madeAt.rfc3339),
            "resources": .array(resources.map(Self.document)), "basis": basis.document,
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
            let resources = json["resources"]?.array, let basis = PlanBasis(json["basis"])
        else { throw Misread(description: "expected madeAt, resources and basis") }
        self.madeAt = madeAt
        self.resources = try resources.map(Self.resource)
        self.basis = basis
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
        var planned = PlannedResource(resource, stored: nil, tombstone: nil)
        planned.storedGeneration = generation
        return planned
    }

    /// Refuses with one line for each thing that moved.
    func check(against known: KnownResources, in store: any OperationsStore) async throws {
        var run = try await PlanRun(resources.map(\.resource), known: known, store: store)
        try await run.run(observing: false)
        let moved = basis.differences(to: run.basis)
        guard !moved.isEmpty else { return }
        let more = moved.count > Self.shownMoves ? ["… and \(moved.count - Self.shownMoves) more"] : []
        throw CommandFailure(moved.prefix(Self.shownMoves) + more + ["nothing is applied: make the plan again"])
    }
}
