// What is in the store, which has been read before: by this program or another version of it, or touched by a person.

internal import JSON
internal import Model

enum StoredReading {
    /// Stands for a file's name in messages, where not even the resource's own can be read.
    private static let name = "stored manifest"

    static func read(_ canonical: String, blobs: [String: [UInt8]]) throws(ManifestErrors) -> ManifestResource {
        try read(try parse(canonical), blobs: blobs, findings: [])
    }

    /// Reads a stored manifest with other config entries.
    static func read(
        _ canonical: String, config entries: [String: String], blobs: [String: [UInt8]]
    ) throws(ManifestErrors) -> ManifestResource {
        var manifest = try parse(canonical)
        var edit = ConfigEdit(of: manifest["spec"]?["config"]?.object)
        let edited = edit.applying(entries)
        if manifest.object != nil, manifest["spec"]?.object != nil,
            manifest["spec"]?["config"] != nil || !entries.isEmpty
        {
            manifest["spec"]?["config"] = .object(edited)
        }
        return try read(manifest, blobs: blobs, findings: edit.findings)
    }

    private static func parse(_ canonical: String) throws(ManifestErrors) -> JSONValue {
        do throws(ManifestError) {
            return try ReadingRun.parse(ManifestSource(name: name, text: canonical))
        } catch {
            throw ManifestErrors([error])
        }
    }

    private static func read(
        _ manifest: JSONValue, blobs: [String: [UInt8]], findings: [Finding]
    ) throws(ManifestErrors) -> ManifestResource {
        let reading = ResourceReading(manifest, at: [], sources: .stored(blobs))
        let file = reading.key?.description ?? name
        let findings = findings + reading.findings
        guard findings.isEmpty, let kind = reading.kind else {
            let places = Places(ManifestSource(name: file, text: manifest.canonical))
            let errors = findings.map(places.error)
            throw ManifestErrors(errors.sorted { ($0.line, $0.column, $0.message) < ($1.line, $1.column, $1.message) })
        }
        var resource = reading.resource(kind: kind, origin: Origin(file: file, line: 1, column: 1))
        resource.blobs = [:]
        return resource
    }
}
