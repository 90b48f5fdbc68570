// What makes the parts of a run fit together: template names, where it is run, and how large it is.

internal import JSON
internal import Model

/// Of a run that is no App's action: of a Schedule, a file of steps, or the inbox.
struct RunCheck {
    private(set) var findings: [Finding] = []

    /// All paths are relative to the object with `run` and `on`.
    mutating func check(_ value: JSONValue, templates: [ShapeCheck.TemplateText]) {
        checkTemplates(templates)
        checkTargets(value)
        if let problem = Self.sizeProblem(of: value["run"]?["steps"]) {
            findings.append(Finding(path: ["run", "steps"], message: problem))
        }
    }

    mutating func checkTemplates(_ templates: [ShapeCheck.TemplateText]) {
        let check = TemplateCheck(configKeys: [], isInApp: false, isInFile: false, isInRun: true)
        for template in templates {
            for fault in check.faults(in: template.text) {
                findings.append(
                    Finding(path: template.path, spot: .offset(fault.offset), message: fault.message, hint: fault.hint))
            }
        }
    }

    private mutating func checkTargets(_ value: JSONValue) {
        guard let on = value["on"] else {
            if value["run"]?["app"] == nil {
                findings.append(
                    Finding(
                        path: [], message: "expected the field \"on\", found none",
                        hint: "only an App's action knows its servers by itself"))
            }
            return
        }
        guard let labels = on["selector"]?.object, on["any"] != nil else { return }
        guard Pool(selector: labels.compactMapValues(\.string)) == nil else { return }
        findings.append(
            Finding(
                path: ["on", "selector"],
                message: labels.isEmpty
                    ? "expected at least one label beside \"any\", found none"
                    : "expected labels of at most \(Pool.maximumLength) bytes beside \"any\", found more"))
    }

    /// A job is stored whole, with every one of its steps.
    static func sizeProblem(of steps: JSONValue?) -> String? {
        guard let size = steps?.canonicalBytes.count, size > RunBounds.jobBytes else { return nil }
        return "expected steps of at most \(RunBounds.jobBytes) bytes, found \(size)"
    }
}

/// Of the actions of an App; their templates are looked at with the rest of the workload.
struct ActionCheck {
    private(set) var findings: [Finding] = []

    init(_ spec: JSONValue) {
        let services = Self.services(of: spec)
        for (name, action) in spec["actions"]?.object ?? [:] {
            let path: [PathElement] = ["actions", .key(name), "steps"]
            if let problem = RunCheck.sizeProblem(of: action["steps"]) {
                findings.append(Finding(path: path, message: problem))
            }
            for (index, step) in (action["steps"]?.array ?? []).enumerated() {
                for (number, service) in (step["restart"]?.array ?? []).enumerated() {
                    guard let service = service.string, !services.contains(service) else { continue }
                    findings.append(
                        Finding(
                            path: path + [.index(index), "restart", .index(number)],
                            message: "expected a service of this App, found \(Words.quoted(service)), which it has not",
                            hint: NearestName.hint(for: service, among: services.sorted(), listing: true)))
                }
            }
        }
    }

    /// On any server.
    private static func services(of spec: JSONValue) -> Set<String> {
        let overrides = (spec["servers"]?.object ?? [:]).values
        return ([spec] + overrides).reduce(into: []) { $0.formUnion(($1["services"]?.object ?? [:]).keys) }
    }
}
