// An `HSET` of a `config:` entry by hand is an edit like any other: validated, then taken as a new generation, or set back
// with the reason.

import Manifests
import Model
import Store

struct HandEdit: Sendable {
    static let editor = "HSET by hand"

    let store: any ControllerStore
    let lease: Lease
    let clock: StoreClock

    func settle(_ key: ResourceKey) async throws(StoreError) {
        guard let stored = try await store.resource(key), let now = clock.now() else { return }
        let blobs = try await blobs(of: stored)
        do {
            let edited = try ManifestReader.applyingConfig(stored.config, to: stored.manifest, blobs: blobs)
            try await absorb(edited, stored, now)
        } catch let errors as ManifestErrors {
            try await refuse(errors, stored, now)
        } catch let error as StoreError {
            throw error
        } catch {
            preconditionFailure(
                "a hand edit throws errors of the manifest or of the store, and this is neither: \(error)")
        }
    }

    /// Contents that the edited manifest's templates are checked in.
    private func blobs(of stored: StoredResource) async throws(StoreError) -> [String: [UInt8]] {
        guard let resource = try? ManifestReader.readStored(stored.manifest) else { return [:] }
        var blobs: [String: [UInt8]] = [:]
        for digest in resource.spec.blobDigests {
            if let content = try await store.blob(digest, of: stored.key) { blobs[digest] = content }
        }
        return blobs
    }

    private func absorb(_ edited: ManifestResource, _ stored: StoredResource, _ now: Timestamp) async throws(StoreError)
    {
        let draft = ResourceDraft(
            key: stored.key, digest: edited.digest, manifest: edited.canonical, config: stored.config, blobs: [:],
            appliedBy: Self.editor, expectedGeneration: stored.generation,
            reportInterval: edited.server?.monitor.every)
        let result = try await store.absorbEdit(draft, lease: lease)
        try await store.record(
            Event(
                at: now, severity: .normal, subject: "\(stored.key)", reason: "EditApplied",
                message: "config edited by hand: \(changes(stored)), now generation \(result.generation)"),
            lease: lease)
    }

    private func refuse(_ errors: ManifestErrors, _ stored: StoredResource, _ now: Timestamp) async throws(StoreError) {
        let why = errors.errors.map { $0.path.isEmpty ? $0.message : "\($0.path): \($0.message)" }
        let event = Event(
            at: now, severity: .warning, subject: "\(stored.key)", reason: "EditRefused",
            message: "config edited by hand (\(changes(stored))) was set back: \(why.joined(separator: "; "))")
        try await store.refuseEdit(of: stored.key, restoring: applied(stored), event: event, lease: lease)
    }

    /// The entries that belong to the stored manifest.
    private func applied(_ stored: StoredResource) -> [String: String] {
        (try? ManifestReader.readStored(stored.manifest))?.config ?? [:]
    }

    /// What was edited, without values: they may be secret.
    private func changes(_ stored: StoredResource) -> String {
        let before = applied(stored)
        let names = Set(before.keys).union(stored.config.keys).filter { before[$0] != stored.config[$0] }
        return names.sorted().joined(separator: ", ")
    }
}
