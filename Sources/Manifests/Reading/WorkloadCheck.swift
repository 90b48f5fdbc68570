// What makes the parts of one workload fit together: references, template names, paths. It looks at a workload as it
// will be, so once at that of the spec and once at that of each override.

internal import JSON
internal import Model

struct WorkloadCheck {
    /// Contents that were loaded, by digest.
    let blobs: [String: Blob]
    let isInApp: Bool
    private(set) var findings: [Finding] = []

    struct Blob {
        var bytes: [UInt8]
        /// The file, as messages name it.
        var name: String
    }

    init(blobs: [String: Blob], isInApp: Bool) {
        self.blobs = blobs
        self.isInApp = isInApp
    }

    /// `templates` are the strings of the workload that may have holes; all paths are relative to the workload.
    mutating func check(_ workload: JSONValue, templates: [ShapeCheck.TemplateText]) {
        checkTemplates(workload, templates)
        checkReferences(workload)
        checkPaths(workload)
    }

    // MARK: Templates

    private mutating func checkTemplates(_ workload: JSONValue, _ templates: [ShapeCheck.TemplateText]) {
        let config = WorkloadBuilder.config(workload)
        var check = TemplateCheck(configKeys: Set(config.keys), isInApp: isInApp)
        for template in templates where !isLiteral(template.path, in: workload) {
            check.isInFile = template.path.first == "files"
            check.isInRun = template.path.first == "actions"
            for fault in check.faults(in: template.text) {
                findings.append(
                    Finding(
                        path: template.path, spot: .offset(fault.offset), message: fault.message, hint: fault.hint))
            }
            if !check.isInFile { checkFilled(template, config) }
        }
        (check.isInFile, check.isInRun) = (true, false)
        for (path, file) in workload["files"]?.object ?? [:] where WorkloadBuilder.isTemplateSource(file) {
            guard let digest = file["source"]?["blob"]?.string, let blob = blobs[digest] else { continue }
            checkSource(blob, at: ["files", .key(path), "source"], check)
        }
    }

    /// A text that is right with its holes may be wrong when they are filled: a `..` can come from a config entry. What
    /// comes from a server is not known here.
    private mutating func checkFilled(_ template: ShapeCheck.TemplateText, _ config: [String: String]) {
        guard template.text.contains("${config."), let parsed = try? Template(parsing: template.text),
            let filled = parsed.rendered({ variable in
                switch variable {
                case .config(let key): config[key]
                case .server(let fact): "${server.\(fact.rawValue)}"
                case .appName: "${app.name}"
                case .run(let fact): "${run.\(fact.rawValue)}"
                }
            }), let problem = template.rule.problem(filled)
        else { return }
        findings.append(
            Finding(
                path: template.path,
                message: "expected \(template.rule.expected), found \(Words.quoted(template.text)), "
                    + "which becomes \(Words.quoted(filled))" + (problem.detail.map { ": \($0)" } ?? ""),
                hint: problem.hint))
    }

    /// Whether a string is the content of a file that is no template.
    private func isLiteral(_ path: [PathElement], in workload: JSONValue) -> Bool {
        guard path.count == 3, path[0] == "files", path[2] == "content" else { return false }
        return workload[Array(path.dropLast())]?["template"]?.bool == false
    }

    private mutating func checkSource(_ blob: Blob, at path: [PathElement], _ check: TemplateCheck) {
        for fault in check.faults(in: String(decoding: blob.bytes, as: UTF8.self)) {
            let place = TextPlace(after: blob.bytes[..<fault.offset])
            findings.append(
                Finding(
                    path: path, spot: .source(file: blob.name, line: place.line, column: place.column),
                    message: fault.message, hint: fault.hint))
        }
    }

    // MARK: References

    private mutating func checkReferences(_ workload: JSONValue) {
        for (name, service) in workload["services"]?.object ?? [:] {
            for list in ["restartOn", "reloadOn"] {
                for (index, item) in (service[list]?.array ?? []).enumerated() {
                    guard let text = item.string, let key = FieldKey(text), !exists(key, in: workload) else { continue }
                    findings.append(
                        Finding(
                            path: ["services", .key(name), .key(list), .index(index)],
                            message: "expected a field of this resource, found \(Words.quoted(text)), which it has not",
                            hint: NearestName.hint(for: text, among: fieldKeys(of: workload), listing: true)))
                }
            }
        }
    }

    private func exists(_ key: FieldKey, in workload: JSONValue) -> Bool {
        guard let section = Self.sections[key.kind] else { return true }
        return workload[section]?[key.name] != nil
    }

    private func fieldKeys(of workload: JSONValue) -> [String] {
        TextRule.fieldKinds.flatMap { kind in
            (Self.sections[kind].flatMap { workload[$0]?.object } ?? [:]).keys.sorted().map {
                FieldKey(kind, $0).description
            }
        }
    }

    /// Kinds that are none of these are refused by their shape.
    private static let sections: [FieldKind: String] = [
        .config: "config", .package: "packages", .directory: "directories", .file: "files", .command: "commands",
    ]

    // MARK: Paths

    private mutating func checkPaths(_ workload: JSONValue) {
        let files = Set((workload["files"]?.object ?? [:]).keys)
        let directories = Set((workload["directories"]?.object ?? [:]).keys)
        for path in files.intersection(directories) {
            findings.append(
                Finding(
                    path: ["files", .key(path)], spot: .key,
                    message: "expected a path that is no directory, found it in \"directories\" as well"))
        }
        guard !files.isEmpty else { return }
        for (section, paths) in [("files", files), ("directories", directories)] {
            for path in paths {
                guard let parent = Self.ancestors(of: path).first(where: files.contains) else { continue }
                findings.append(
                    Finding(
                        path: [.key(section), .key(path)], spot: .key,
                        message:
                            "expected a path in a directory, found one below \(Words.quoted(parent)), which is a file"))
            }
        }
    }

    private static func ancestors(of path: String) -> [String] {
        var ancestors: [String] = []
        var rest = path.utf8[...]
        while let slash = rest.lastIndex(of: UInt8(ascii: "/")), slash != rest.startIndex {
            rest = rest[..<slash]
            ancestors.append(String(Substring(rest)))
        }
        return ancestors
    }
}
