// Holds a JSON value to a shape: the part of strictness that needs to look at one value only.
//
// Guarantees: a value without findings can be built into the model; every template string in it was collected.

internal import JSON

struct ShapeCheck {
    /// A string that may have holes, where it stands.
    struct TemplateText {
        var path: [PathElement]
        var text: String
        /// What it must be, filled in as well.
        var rule: TextRule
    }

    /// What a `source` may be.
    enum SourceForm {
        /// A path, as people write it.
        case path
        /// What was found there, as the store holds it.
        case blob
        /// Either: a workload that was merged after its sources were loaded, some perhaps in vain.
        case any
    }

    let sources: SourceForm
    private(set) var findings: [Finding] = []
    private(set) var templates: [TemplateText] = []
    private var path: [PathElement]
    /// Whether parts may be missing, and null removes.
    private var isPatch = false

    init(at path: [PathElement], sources: SourceForm) {
        self.path = path
        self.sources = sources
    }

    mutating func check(_ value: JSONValue, _ shape: Shape) {
        switch shape {
        case .object(let shape): checkObject(value, shape)
        case .patch(let shape): checkPatch(value, shape)
        case .map(let shape): checkMap(value, shape)
        case .list(let shape): checkList(value, shape)
        case .text(let rule): checkText(value, rule)
        case .integer(let range): checkInteger(value, range)
        case .number: if value.double == nil { mismatch("a number", value) }
        case .boolean: if value.bool == nil { mismatch("true or false", value) }
        case .scalar: checkScalar(value)
        case .integerOrText(let range, let rule): checkEither(value, range, rule)
        case .source(let rule): checkSource(value, rule)
        }
    }

    // MARK: Objects, maps and lists

    private mutating func checkObject(_ value: JSONValue, _ shape: ObjectShape) {
        guard let members = value.object else { return mismatch("an object", value) }
        for (name, member) in members {
            guard let field = shape.fieldsByName[name] else {
                unknownField(name, in: shape)
                continue
            }
            within(.key(name)) { check in
                if field.isNotBuilt {
                    check.report("\(Words.quoted(name)) is not built yet: remove it", at: .key)
                } else if !(check.isPatch && member.isNull) {
                    check.check(member, field.shape)
                }
            }
        }
        if !isPatch { checkPresence(members, shape) }
    }

    private mutating func checkPresence(_ members: [String: JSONValue], _ shape: ObjectShape) {
        for name in shape.required where members[name] == nil {
            report("expected the field \(Words.quoted(name)), found none")
        }
        for group in shape.exactlyOne {
            let given = group.filter { members[$0] != nil }
            guard given.count != 1 else { continue }
            report("expected exactly one of \(Words.list(group, "or")), found \(Words.list(given))")
        }
        for group in shape.atMostOne {
            let given = group.filter { members[$0] != nil }
            guard given.count > 1 else { continue }
            report("expected at most one of \(Words.list(group, "or")), found \(Words.list(given))")
        }
        for (field, other) in shape.needs where members[field] != nil && members[other] == nil {
            within(.key(field)) { check in
                check.report(
                    "expected the field \(Words.quoted(other)) beside \(Words.quoted(field)), found none", at: .key)
            }
        }
    }

    private mutating func unknownField(_ name: String, in shape: ObjectShape) {
        let known = shape.fields.filter { !$0.isNotBuilt }.map(\.name)
        within(.key(name)) { check in
            check.report(
                "unknown field \(Words.quoted(name))", at: .key,
                hint: NearestName.hint(for: name, among: known, listing: true))
        }
    }

    private mutating func checkPatch(_ value: JSONValue, _ shape: ObjectShape) {
        let outer = (isPatch, templates.count)
        isPatch = true
        checkObject(value, shape)
        isPatch = outer.0
        // A patch's templates are looked at when it has been merged.
        templates.removeSubrange(outer.1...)
    }

    private mutating func checkMap(_ value: JSONValue, _ shape: MapShape) {
        guard let members = value.object else { return mismatch("an object", value) }
        guard checkCount(members.count) else { return }
        for (name, member) in members {
            within(.key(name)) { check in
                check.checkString(name, shape.keys, at: .key)
                if !(check.isPatch && member.isNull) { check.check(member, shape.values) }
            }
        }
    }

    private mutating func checkList(_ value: JSONValue, _ shape: ListShape) {
        guard let elements = value.array else {
            return mismatch("an array", value, hint: value.string.map { _ in "write it as a list: [\"…\", \"…\"]" })
        }
        guard checkCount(elements.count, shape.maximum) else { return }
        if elements.count < shape.minimum { report("expected at least one \(shape.item), found \(Words.found(value))") }
        var seen: Set<JSONValue> = []
        for (index, element) in elements.enumerated() {
            within(.index(index)) { check in
                check.check(element, index == 0 ? shape.first.map { .text($0) } ?? shape.items : shape.items)
                if shape.isUnique, !seen.insert(element).inserted {
                    check.report("expected each \(shape.item) once, found \(Words.found(element)) again")
                }
            }
        }
    }

    private mutating func checkCount(_ count: Int, _ limit: Int = ManifestLimits.entries) -> Bool {
        guard count > limit else { return true }
        report("expected at most \(limit) entries, found \(count)")
        return false
    }

    // MARK: Scalars

    private mutating func checkText(_ value: JSONValue, _ rule: TextRule) {
        guard let text = value.string else { return mismatch(rule.expected, value, hint: rule.typeHint) }
        checkString(text, rule, at: .value)
    }

    private mutating func checkString(_ text: String, _ rule: TextRule, at spot: Finding.Spot) {
        guard text.utf8.count <= rule.maximumLength else {
            return report(
                "expected at most \(rule.maximumLength) bytes, found \(text.utf8.count)", at: spot)
        }
        if let problem = rule.problem(text) {
            let detail = problem.detail.map { ": \($0)" } ?? ""
            report(
                "expected \(rule.expected), found \(Words.quoted(text))\(detail)",
                at: problem.offset.map { .offset($0) } ?? spot, hint: problem.hint)
        } else if rule.isTemplate, text.utf8.contains(UInt8(ascii: "$")) {
            templates.append(TemplateText(path: path, text: text, rule: rule))
        }
    }

    private mutating func checkInteger(_ value: JSONValue, _ range: ClosedRange<Int>) {
        guard let number = value.int, range.contains(number) else {
            return mismatch("a whole number from \(range.lowerBound) to \(range.upperBound)", value)
        }
    }

    private mutating func checkEither(_ value: JSONValue, _ range: ClosedRange<Int>, _ rule: TextRule) {
        if value.string != nil { return checkText(value, rule) }
        guard let number = value.int, range.contains(number) else {
            let bounds = "\(range.lowerBound) to \(range.upperBound)"
            return mismatch("a whole number from \(bounds), or \(rule.expected)", value)
        }
    }

    private mutating func checkScalar(_ value: JSONValue) {
        switch value {
        case .string(let text): checkString(text, .configValue, at: .value)
        case .int, .bool, .double: break
        case .object(let members) where members["secret"] != nil:
            report(
                "secrets are not built yet: remove it",
                hint: "the value can only be written in plain text for now")
        case .null, .array, .object: mismatch("a string, a number, true or false", value)
        }
    }

    private mutating func checkSource(_ value: JSONValue, _ rule: TextRule) {
        if sources == .path || (sources == .any && value.string != nil) { return checkText(value, rule) }
        let isBlob = value["blob"]?.string.map(Digest.isDigest) ?? false
        guard isBlob, value["template"]?.bool != nil, value.object?.count == 2 else {
            return mismatch("{\"blob\": digest, \"template\": true or false}", value)
        }
    }

    // MARK: Findings

    private mutating func within(_ element: PathElement, _ body: (inout ShapeCheck) -> Void) {
        path.append(element)
        body(&self)
        path.removeLast()
    }

    private mutating func mismatch(_ expected: String, _ value: JSONValue, hint: String? = nil) {
        report("expected \(expected), found \(Words.found(value))", hint: hint)
    }

    private mutating func report(_ message: String, at spot: Finding.Spot = .value, hint: String? = nil) {
        findings.append(Finding(path: path, spot: spot, message: message, hint: hint))
    }
}
