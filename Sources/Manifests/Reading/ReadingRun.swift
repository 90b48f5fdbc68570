// One run over all files: every resource on its own, then all together; then either errors or resources.

internal import Calendar
internal import JSON
internal import Model

struct ReadingRun {
    private let zones: ZoneDatabase
    private var members: [SetCheck.Member] = []
    /// With the number of the file, for their order.
    private var errors: [(file: Int, error: ManifestError)] = []
    private var files = 0

    init(zones: ZoneDatabase) {
        self.zones = zones
    }

    var hasErrors: Bool { !errors.isEmpty }

    mutating func add(_ file: Result<ManifestSource, ManifestError>) {
        switch file {
        case .success(let source): add(source)
        case .failure(let error):
            files += 1
            errors.append((files, error))
        }
    }

    mutating func add(_ source: ManifestSource) {
        files += 1
        do throws(ManifestError) {
            let reading = try Self.read(source)
            let places = Places(source)
            errors += reading.faults.map { (files, ManifestError($0, in: source.name)) }
            // What was read for a NUL is not what was meant.
            let unread = Set(reading.faults.filter { $0.kind == .nul }.map(\.path))
            guard let elements = reading.value.array else { return add(reading.value, at: [], source, places, unread) }
            if elements.isEmpty {
                let nothing = Finding(path: [], message: "expected at least one resource, found an empty array")
                errors.append((files, places.error(nothing)))
            }
            for (index, element) in elements.enumerated() { add(element, at: [.index(index)], source, places, unread) }
        } catch {
            errors.append((files, error))
        }
    }

    func finish(_ context: ManifestContext) throws(ManifestErrors) -> ManifestSet {
        let set = SetCheck(members, context: context)
        var errors = errors
        for (index, finding) in set.errors {
            errors.append((members[index].file, members[index].places.error(finding)))
        }
        guard errors.isEmpty else { throw ManifestErrors(Self.sorted(errors)) }
        let warnings = set.warnings.map { (members[$0.member].file, members[$0.member].places.warning($0.finding)) }
        return ManifestSet(
            resources: members.compactMap { member in
                member.reading.kind.map {
                    member.reading.resource(kind: $0, origin: member.places.origin(of: member.reading.base))
                }
            },
            warnings: warnings.sorted { ($0.0, $0.1.line, $0.1.column) < ($1.0, $1.1.line, $1.1.column) }.map(\.1))
    }

    /// The value of a text that nothing is wrong with.
    static func parse(_ source: ManifestSource) throws(ManifestError) -> JSONValue {
        let reading = try read(source)
        if let fault = reading.faults.first { throw ManifestError(fault, in: source.name) }
        return reading.value
    }

    private static func read(_ source: ManifestSource) throws(ManifestError) -> JSONReading {
        guard source.text.count <= ManifestLimits.manifestSize else {
            throw ManifestError(
                file: source.name, line: 1, column: 1, path: "",
                message: "expected at most \(ManifestLimits.manifestSize) bytes, found \(source.text.count)",
                hint: "split it into several files")
        }
        do throws(JSONError) {
            return try JSONValue.read(source.text)
        } catch {
            throw ManifestError(
                file: source.name, line: error.line, column: error.column, path: "",
                message: "not valid JSON: \(error.message)")
        }
    }

    private mutating func add(
        _ value: JSONValue, at base: [PathElement], _ source: ManifestSource, _ places: Places,
        _ unread: Set<[PathElement]>
    ) {
        let reading = ResourceReading(value, at: base, sources: .files(source, zones))
        errors += reading.findings.filter { !unread.contains($0.path) }.map { (files, places.error($0)) }
        members.append(SetCheck.Member(reading: reading, places: places, file: files))
    }

    /// In the order of files and places, each once, and not without end.
    private static func sorted(_ errors: [(file: Int, error: ManifestError)]) -> [ManifestError] {
        var seen: Set<ManifestError> = []
        let ordered = errors.sorted { left, right in
            (left.file, left.error.line, left.error.column, left.error.message)
                < (right.file, right.error.line, right.error.column, right.error.message)
        }
        let unique = ordered.map(\.error).filter { seen.insert($0).inserted }
        guard unique.count > ManifestLimits.errors else { return unique }
        var told = Array(unique.prefix(ManifestLimits.errors))
        let rest = unique[ManifestLimits.errors]
        told.append(
            ManifestError(
                file: rest.file, line: rest.line, column: rest.column, path: "",
                message: "and \(unique.count - ManifestLimits.errors) more errors"))
        return told
    }
}

extension ManifestError {
    fileprivate init(_ fault: JSONFault, in file: String) {
        self.init(
            file: file, line: fault.position.line, column: fault.position.column, path: fault.path.dotted,
            message: "expected text without NUL, found \\u0000")
        guard case .duplicate(let first) = fault.kind else { return }
        message = "expected each key once, found it again; the first is at \(first)"
        hint = "remove one of the two"
    }
}
