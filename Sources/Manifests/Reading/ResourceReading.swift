// One resource on its own: from its JSON to findings, or to what can be built.

internal import JSON
internal import Model

struct ResourceReading {
    /// How the files named by `source` are got.
    enum Sources {
        case files(ManifestSource)
        /// From the store: contents by digest, as far as they are at hand.
        case stored([String: [UInt8]])
    }

    /// Where the resource stands in its file.
    let base: [PathElement]
    /// As it is stored: with blobs for sources.
    private(set) var manifest: JSONValue
    private(set) var kind: Kind?
    private(set) var findings: [Finding] = []
    private(set) var blobs: [String: WorkloadCheck.Blob] = [:]

    init(_ value: JSONValue, at base: [PathElement], sources: Sources) {
        self.base = base
        manifest = value
        guard let kind = readKind() else {
            checkHead()
            return
        }
        self.kind = kind
        var check = ShapeCheck(at: base, sources: sources.form)
        check.check(value, .object(ResourceSchema.shape(of: kind)))
        findings = check.findings
        if kind.hasInstances {
            take(sources)
            checkWorkload(check.templates, kind)
        } else {
            checkRun(check.templates)
        }
        if kind == .app {
            checkActions()
            checkOverrides(check.templates)
        }
    }

    /// The name, where it can be read.
    var name: String? { manifest["metadata"]?["name"]?.string.flatMap { ResourceName.isValid($0) ? $0 : nil } }

    var key: ResourceKey? {
        guard let kind, let name else { return nil }
        return ResourceKey(kind, name)
    }

    /// The resource; only to be asked for where nothing was found.
    func resource(kind: Kind, origin: Origin) -> ManifestResource {
        let canonical = manifest.canonicalBytes
        return ManifestResource(
            metadata: SpecBuilder.metadata(manifest), spec: SpecBuilder.spec(manifest, kind: kind),
            canonical: String(decoding: canonical, as: UTF8.self), digest: Digest.of(canonical),
            config: WorkloadBuilder.config(manifest["spec"] ?? [:]), blobs: blobs.mapValues(\.bytes), origin: origin)
    }

    // MARK: Steps

    private mutating func readKind() -> Kind? {
        let kinds = Kind.allCases.map(\.rawValue)
        guard manifest.object != nil else {
            report([], "expected a resource (an object) or an array of them, found \(Words.found(manifest))")
            return nil
        }
        guard let value = manifest["kind"] else {
            report([], "expected the field \"kind\", found none", hint: "it is one of \(Words.list(kinds, "or"))")
            return nil
        }
        if let kind = value.string.flatMap(Kind.init(rawValue:)) { return kind }
        report(
            ["kind"], "expected \(Words.list(kinds, "or")), found \(Words.found(value))",
            hint: value.string.flatMap { NearestName.hint(for: $0, among: kinds, listing: false) })
        return nil
    }

    /// What every kind has, where the kind is not known.
    private mutating func checkHead() {
        guard let members = manifest.object else { return }
        let known = ResourceSchema.head.fieldsByName
        var check = ShapeCheck(at: base, sources: .path)
        check.check(.object(members.filter { known[$0.key] != nil }), .object(ResourceSchema.head))
        findings += check.findings
    }

    private mutating func take(_ sources: Sources) {
        switch sources {
        case .stored(let bytes):
            blobs = bytes.reduce(into: [:]) { $0[$1.key] = WorkloadCheck.Blob(bytes: $1.value, name: "blob \($1.key)") }
        case .files(let source):
            guard let spec = manifest["spec"], spec.object != nil else { return }
            var loading = SourceLoading(from: source, at: base + ["spec"])
            manifest["spec"] = loading.replaced(spec)
            blobs = loading.blobs
            findings += loading.findings
        }
    }

    private mutating func checkWorkload(_ templates: [ShapeCheck.TemplateText], _ kind: Kind) {
        guard let spec = manifest["spec"] else { return }
        let prefix = base + ["spec"]
        var check = WorkloadCheck(blobs: blobs, isInApp: kind == .app)
        check.check(spec, templates: templates.map { $0.relative(to: prefix) })
        findings += check.findings.map { $0.below(prefix) }
    }

    private mutating func checkRun(_ templates: [ShapeCheck.TemplateText]) {
        guard let spec = manifest["spec"] else { return }
        let prefix = base + ["spec"]
        var check = RunCheck()
        check.check(spec, templates: templates.map { $0.relative(to: prefix) })
        findings += check.findings.map { $0.below(prefix) }
    }

    private mutating func checkActions() {
        guard let spec = manifest["spec"] else { return }
        let check = ActionCheck(spec)
        findings += check.findings.map { $0.below(base + ["spec"]) }
    }

    /// - Parameter templates: of the spec: an action is filled in with the config of each server.
    private mutating func checkOverrides(_ templates: [ShapeCheck.TemplateText]) {
        guard let spec = manifest["spec"], let servers = spec["servers"]?.object else { return }
        let base = base + ["spec"]
        let known = Set(findings.map { $0.anywhere(relativeTo: base) })
        let ofActions = templates.map { $0.relative(to: base) }.filter { $0.path.first == "actions" }
        for (server, override) in servers {
            let place = base + ["servers", .key(server)]
            guard !findings.contains(where: { $0.path.starts(with: place) }) else { continue }
            let merged = Override.merged(override, onto: spec)
            var shape = ShapeCheck(at: [], sources: .any)
            shape.check(merged, .object(WorkloadSchema.shape))
            var check = WorkloadCheck(blobs: blobs, isInApp: true)
            check.check(merged, templates: shape.templates + ofActions)
            for finding in shape.findings + check.findings where !known.contains(finding.anywhere(relativeTo: [])) {
                findings.append(finding.inOverride(override, at: place))
            }
        }
    }

    private mutating func report(_ path: [PathElement], _ message: String, hint: String? = nil) {
        findings.append(Finding(path: base + path, message: message, hint: hint))
    }
}

extension ResourceReading.Sources {
    var form: ShapeCheck.SourceForm { if case .stored = self { .blob } else { .path } }
}

extension ShapeCheck.TemplateText {
    fileprivate func relative(to prefix: [PathElement]) -> Self {
        Self(path: Array(path.dropFirst(prefix.count)), text: text, rule: rule)
    }
}

extension Finding {
    /// A finding of a workload as one of the manifest.
    fileprivate func below(_ prefix: [PathElement]) -> Finding {
        var finding = self
        finding.path = prefix + path
        return finding
    }

    /// The same for a finding of the spec and one of a merged workload.
    fileprivate func anywhere(relativeTo prefix: [PathElement]) -> Finding {
        var finding = self
        finding.path = path.starts(with: prefix) ? Array(path.dropFirst(prefix.count)) : []
        return finding
    }

    /// A finding of a merged workload, at the part of the override that it is in or nearest to.
    fileprivate func inOverride(_ override: JSONValue, at place: [PathElement]) -> Finding {
        var finding = self
        if override[path] != nil {
            finding.path = place + path
            return finding
        }
        var nearest = path
        while !nearest.isEmpty, override[nearest] == nil { nearest.removeLast() }
        finding.path = place + nearest
        if case .source = spot {} else { finding.spot = .value }
        if nearest != path { finding.message = "with this override, in \(path.dotted): \(message)" }
        return finding
    }
}
