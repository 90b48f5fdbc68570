// Replaces each `source` path of a spec by what is found there: `{"blob": digest, "template": bool}`.

internal import JSON
internal import Model

struct SourceLoading {
    private let source: ManifestSource
    private let base: [PathElement]
    private(set) var blobs: [String: WorkloadCheck.Blob] = [:]
    private(set) var findings: [Finding] = []
    /// By path, so that a file that is named twice is read once.
    private var loaded: [String: Result<[UInt8], SourceFailure>] = [:]

    init(from source: ManifestSource, at base: [PathElement]) {
        self.source = source
        self.base = base
    }

    /// The spec with the sources of its files, and of those of its overrides, replaced.
    mutating func replaced(_ spec: JSONValue) -> JSONValue {
        var spec = spec
        if let files = spec["files"]?.object {
            spec["files"] = .object(replaced(files, at: base + ["files"], under: [:]))
        }
        guard var servers = spec["servers"]?.object else { return spec }
        for (server, override) in servers {
            guard let files = override["files"]?.object else { continue }
            let place = base + ["servers", .key(server), "files"]
            servers[server]?["files"] = .object(replaced(files, at: place, under: spec["files"]?.object ?? [:]))
        }
        spec["servers"] = .object(servers)
        return spec
    }

    private mutating func replaced(
        _ files: [String: JSONValue], at place: [PathElement], under basis: [String: JSONValue]
    ) -> [String: JSONValue] {
        var files = files
        for (path, file) in files {
            guard let name = file["source"]?.string, TextRule.sourcePath.problem(name) == nil else { continue }
            let template = file["template"]?.bool ?? basis[path]?["template"]?.bool
            if let found = load(name, template: template, at: place + [.key(path), "source"]) {
                files[path]?["source"] = found
            }
        }
        return files
    }

    private mutating func load(_ name: String, template: Bool?, at place: [PathElement]) -> JSONValue? {
        let result = loaded[name] ?? read(name)
        loaded[name] = result
        switch result {
        case .failure(let failure):
            report(place, "expected a file, found \(Self.words(failure)): \(Words.quoted(displayName(name)))")
            return nil
        case .success(let bytes) where bytes.count > FileSpec.maximumSize:
            report(
                place,
                "expected a file of at most \(FileSpec.maximumSize) bytes, found a larger one: "
                    + Words.quoted(displayName(name)))
            return nil
        case .success(let bytes):
            let isText = String(validating: bytes, as: UTF8.self) != nil
            if template == true, !isText {
                report(
                    place, "expected a template in UTF-8, found other bytes: \(Words.quoted(displayName(name)))",
                    hint: "remove \"template\": true")
                return nil
            }
            let digest = Digest.of(bytes)
            blobs[digest] = WorkloadCheck.Blob(bytes: bytes, name: displayName(name))
            return ["blob": .string(digest), "template": .bool(template ?? isText)]
        }
    }

    private func read(_ name: String) -> Result<[UInt8], SourceFailure> {
        do throws(SourceFailure) {
            return .success(try source.load(name, FileSpec.maximumSize))
        } catch {
            return .failure(error)
        }
    }

    private static func words(_ failure: SourceFailure) -> String {
        switch failure {
        case .notFound: "none"
        case .notAFile: "something else"
        case .unreadable(let reason): "one that cannot be read (\(reason))"
        }
    }

    /// The path as the manifest's own was typed.
    private func displayName(_ name: String) -> String {
        guard let slash = source.name.lastIndex(of: "/") else { return name }
        return source.name[...slash] + name
    }

    private mutating func report(_ path: [PathElement], _ message: String, hint: String? = nil) {
        findings.append(Finding(path: path, message: message, hint: hint))
    }
}
