// The one door from JSON to the model. Reading is strict, and tells everything that is wrong at once.
//
// Guarantees: what is read is valid on its own and together with the rest of the run; reading never changes anything;
// the canonical form of a resource reads back as the same spec, and its own canonical form is the same text.

public import Calendar
internal import JSON

public enum ManifestReader {
    /// Reads all manifests of a run. Each file holds one resource or an array of them.
    /// - Parameter zones: where the time zones of Schedules are looked up. What the store holds is read without them.
    public static func read(
        _ sources: [ManifestSource], context: ManifestContext = .none, zones: ZoneDatabase = ZoneDatabase()
    ) throws(ManifestErrors) -> ManifestSet {
        var run = ReadingRun(zones: zones)
        for source in sources { run.add(source) }
        return try run.finish(context)
    }

    /// Reads a manifest as the store holds it. `blobs`, where given, are checked for unknown template names as well.
    public static func readStored(_ canonical: String, blobs: [String: [UInt8]] = [:]) throws(ManifestError)
        -> ManifestResource
    {
        do throws(ManifestErrors) {
            return try StoredReading.read(canonical, blobs: blobs)
        } catch {
            guard let first = error.errors.first else { preconditionFailure("errors without an error") }
            throw first
        }
    }

    /// The manifest with these entries as its `spec.config`: the answer to a hand edit of the hash. An entry keeps the
    /// JSON type that it had; a new one is an integer or a boolean if it reads as one, else a string.
    public static func applyingConfig(
        _ entries: [String: String], to canonical: String, blobs: [String: [UInt8]] = [:]
    ) throws(ManifestErrors) -> ManifestResource {
        try StoredReading.read(canonical, config: entries, blobs: blobs)
    }

    /// JSON Schema 2020-12 of a manifest file.
    public static func schema() -> String { JSONSchemaWriter.schema().pretty() + "\n" }

    /// What the field at a path such as `App.spec.health` means, for people.
    public static func explain(_ path: String) throws(ExplainError) -> String { try Explainer.explain(path) }
}

/// A path that leads to nothing in the schema.
public struct ExplainError: Error, Sendable, Hashable, CustomStringConvertible {
    public var message: String

    public init(message: String) {
        self.message = message
    }

    public var description: String { message }
}
