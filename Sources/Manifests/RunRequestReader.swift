// What people and their scripts want run, as JSON that is no manifest: a file of steps for `opsapply run`, and the jobs of
// the inbox. Read as strictly as manifests, by the same tables.
//
// Guarantees: what is read can be put on a queue; texts of steps are templates whose names are known.

internal import JSON
public import Model

/// Steps from a file, and how they are to be run.
public struct StepsFile: Sendable, Hashable {
    public var steps: [RunStep]
    public var options: RunOptions

    public init(steps: [RunStep], options: RunOptions = RunOptions()) {
        self.steps = steps
        self.options = options
    }
}

/// A job of the inbox.
public struct InboxRequest: Sendable, Hashable {
    /// nil: whoever takes it gives it one.
    public var id: String?
    public var request: RunRequest
    public var delay: Duration?
    /// Not before this time; at most one of this and `delay`.
    public var at: Timestamp?

    public init(id: String? = nil, request: RunRequest, delay: Duration? = nil, at: Timestamp? = nil) {
        self.id = id
        self.request = request
        self.delay = delay
        self.at = at
    }
}

/// Why a job of the inbox is none, in one line.
public struct RunRequestError: Error, Sendable, Hashable, CustomStringConvertible {
    /// `on.servers[0]: expected …, found …`.
    public var message: String

    public init(message: String) {
        self.message = message
    }

    public var description: String { message }
}

public enum RunRequestReader {
    /// Reads a JSON array of steps, or an object with `steps` and how they are run.
    public static func steps(_ source: ManifestSource) throws(ManifestErrors) -> StepsFile {
        do throws(ManifestError) { try checkSize(source) } catch { throw ManifestErrors([error]) }
        let value: JSONValue
        do throws(ManifestError) { value = try ReadingRun.parse(source) } catch { throw ManifestErrors([error]) }
        let isList = value.array != nil
        var shape = ShapeCheck(at: [], sources: .path)
        shape.check(value, isList ? StepSchema.steps(StepSchema.step) : .object(RequestSchema.stepsFile))
        var check = RunCheck()
        check.checkTemplates(shape.templates)
        let findings = shape.findings + check.findings
        guard findings.isEmpty else {
            let places = Places(source)
            let errors = findings.map(places.error).sorted { ($0.line, $0.column) < ($1.line, $1.column) }
            throw ManifestErrors(Array(errors.prefix(ManifestLimits.errors)))
        }
        return StepsFile(
            steps: RunBuilder.steps(isList ? value : value["steps"], app: nil),
            options: isList ? RunOptions() : RunBuilder.options(value))
    }

    private static func checkSize(_ source: ManifestSource) throws(ManifestError) {
        guard source.text.count > RunBounds.jobBytes else { return }
        throw ManifestError(
            file: source.name, line: 1, column: 1, path: "",
            message: "expected at most \(RunBounds.jobBytes) bytes, found \(source.text.count)")
    }

    /// Reads one job that somebody pushed into the inbox.
    public static func inbox(_ text: [UInt8]) throws(RunRequestError) -> InboxRequest {
        guard text.count <= RunBounds.jobBytes else {
            throw RunRequestError(message: "expected at most \(RunBounds.jobBytes) bytes, found \(text.count)")
        }
        let value: JSONValue
        do throws(JSONError) { value = try JSONValue.parse(text) } catch {
            throw RunRequestError(message: "expected JSON, found none: \(error)")
        }
        guard value.object != nil else {
            throw RunRequestError(message: "expected an object, found \(Words.found(value))")
        }
        var reading = InboxReading(value)
        return try reading.request()
    }
}

/// One job of the inbox, which has short forms that manifests have not.
private struct InboxReading {
    private let given: JSONValue
    private var findings: [Finding] = []

    init(_ value: JSONValue) {
        given = value
    }

    mutating func request() throws(RunRequestError) -> InboxRequest {
        var checked = given
        var templates: [ShapeCheck.TemplateText] = []
        if let on = given["on"], on.object == nil {
            check(on, on.array == nil ? .text(Self.serverOrForm) : ScheduleSchema.servers, at: ["on"], &templates)
            checked["on"] = nil
        }
        check(checked, .object(RequestSchema.inboxJob), at: [], &templates)
        let full = Self.withoutShortForms(given)
        var run = RunCheck()
        run.check(full, templates: templates)
        findings += run.findings
        // Of several, one that names what was perhaps meant: a misspelt name makes others missing as well.
        let first = findings.min { Self.rank($0) < Self.rank($1) }
        if let first { throw RunRequestError(first, of: findings.count) }
        return InboxRequest(
            id: full["id"]?.string, request: RunBuilder.request(full),
            delay: full["delay"]?.string.flatMap(DurationText.parse),
            at: full["at"]?.string.flatMap { Timestamp(rfc3339: $0) })
    }

    private static func rank(_ finding: Finding) -> (Int, Int, String, String) {
        (finding.hint == nil ? 1 : 0, finding.path.isEmpty ? 1 : 0, finding.path.dotted, finding.message)
    }

    private mutating func check(
        _ value: JSONValue, _ shape: Shape, at path: [PathElement], _ templates: inout [ShapeCheck.TemplateText]
    ) {
        var check = ShapeCheck(at: path, sources: .path)
        check.check(value, shape)
        findings += check.findings
        templates += check.templates
    }

    /// `"on": "server1"` is `{"servers": ["server1"]}`, and a command alone is one step.
    private static func withoutShortForms(_ given: JSONValue) -> JSONValue {
        var value = given
        if let on = given["on"], on.object == nil { value["on"] = ["servers": on.array == nil ? [on] : on] }
        if let command = given["command"], given["run"] == nil { value["run"] = ["steps": [["command": command]]] }
        return value
    }

    private static let serverOrForm: TextRule = {
        var rule = TextRule.resourceName
        rule.expected = "a server's name, an array of them, or an object with \"servers\" or \"selector\""
        return rule
    }()
}

extension RunRequestError {
    fileprivate init(_ finding: Finding, of count: Int) {
        var text = finding.path.isEmpty ? "" : finding.path.dotted + ": "
        text += finding.message + (finding.hint.map { "; \($0)" } ?? "")
        if count > 1 { text += " (and \(count - 1) more)" }
        self.init(message: text)
    }
}
