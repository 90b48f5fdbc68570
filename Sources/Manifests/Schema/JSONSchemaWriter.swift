// JSON Schema 2020-12 from the tables. It says what a schema can say; what it cannot (references, cycles, template
// names, ranges of durations, folders) only the reader decides. So the schema accepts at least what the reader accepts.

internal import JSON
internal import Model

struct JSONSchemaWriter {
    private var definitions: [String: JSONValue] = [:]

    static func schema() -> JSONValue {
        var writer = JSONSchemaWriter()
        let kinds = Kind.allCases.map { writer.reference(ResourceSchema.shape(of: $0), isPatch: false) }
        writer.definitions["Resource"] = ["oneOf": .array(kinds)]
        let resource: JSONValue = ["$ref": "#/$defs/Resource"]
        return [
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": "urn:redops:ops:v1",
            "title": "RedOps manifest",
            "description": "A file holds one resource or an array of them.",
            "anyOf": [resource, ["type": "array", "items": resource, "minItems": 1]],
            "$defs": .object(writer.definitions),
        ]
    }

    /// A reference to an object's definition, which is written the first time.
    private mutating func reference(_ shape: ObjectShape, isPatch: Bool) -> JSONValue {
        let name = shape.name + (isPatch && shape.name != WorkloadSchema.shape.name ? "Override" : "")
        if definitions[name] == nil {
            // Known from here on, should a shape ever hold itself.
            definitions[name] = [:]
            definitions[name] = object(shape, isPatch: isPatch)
        }
        return ["$ref": .string("#/$defs/\(name)")]
    }

    private mutating func object(_ shape: ObjectShape, isPatch: Bool) -> JSONValue {
        var properties: [String: JSONValue] = [:]
        for field in shape.fields { properties[field.name] = property(field, isPatch: isPatch) }
        var schema: JSONValue = [
            "type": "object", "properties": .object(properties), "additionalProperties": false,
        ]
        guard !isPatch else { return schema }
        if !shape.required.isEmpty { schema["required"] = .array(shape.required.map { .string($0) }) }
        let choices = shape.exactlyOne.map(Self.exactlyOne) + shape.atMostOne.map(Self.atMostOne)
        if !choices.isEmpty { schema["allOf"] = .array(choices) }
        if !shape.needs.isEmpty {
            let needs = Dictionary(grouping: shape.needs, by: \.field)
            schema["dependentRequired"] = .object(needs.mapValues { .array($0.map { .string($0.other) }) })
        }
        return schema
    }

    private static func exactlyOne(of group: [String]) -> JSONValue {
        ["oneOf": .array(group.map { ["required": [.string($0)]] })]
    }

    private static func atMostOne(of group: [String]) -> JSONValue {
        let any: JSONValue = ["anyOf": .array(group.map { ["required": [.string($0)]] })]
        return ["oneOf": [exactlyOne(of: group), ["not": any]]]
    }

    private mutating func property(_ field: Field, isPatch: Bool) -> JSONValue {
        if field.isNotBuilt { return ["not": [:], "description": .string("Not built yet. \(field.doc)")] }
        var property = nullable(schema(of: field.shape, isPatch: isPatch), isPatch)
        property["description"] = .string(field.doc)
        if case .defaulted(let value) = field.presence { property["default"] = value }
        if let example = field.example { property["examples"] = [example] }
        return property
    }

    private func nullable(_ schema: JSONValue, _ isPatch: Bool) -> JSONValue {
        isPatch ? ["anyOf": [schema, ["type": "null"]]] : schema
    }

    private mutating func schema(of shape: Shape, isPatch: Bool) -> JSONValue {
        switch shape {
        case .object(let shape): return reference(shape, isPatch: isPatch)
        case .patch(let shape): return reference(shape, isPatch: true)
        case .map(let map):
            return [
                "type": "object", "propertyNames": constraints(of: map.keys),
                "additionalProperties": nullable(schema(of: map.values, isPatch: isPatch), isPatch),
                "maxProperties": .int(ManifestLimits.entries),
            ]
        case .list(let list):
            var schema: JSONValue = [
                "type": "array", "items": schema(of: list.items, isPatch: isPatch),
                "maxItems": .int(list.maximum),
            ]
            if let first = list.first { schema["prefixItems"] = [text(first)] }
            if list.minimum > 0 { schema["minItems"] = .int(list.minimum) }
            if list.isUnique { schema["uniqueItems"] = true }
            return schema
        case .text(let rule), .source(let rule): return text(rule)
        case .integer(let range): return integer(range)
        case .number: return ["type": "number"]
        case .boolean: return ["type": "boolean"]
        case .scalar:
            var schema = constraints(of: .configValue)
            schema["type"] = ["string", "number", "boolean"]
            return schema
        case .integerOrText(let range, let rule): return ["anyOf": [integer(range), text(rule)]]
        }
    }

    private func integer(_ range: ClosedRange<Int>) -> JSONValue {
        ["type": "integer", "minimum": .int(range.lowerBound), "maximum": .int(range.upperBound)]
    }

    private func text(_ rule: TextRule) -> JSONValue {
        var schema = constraints(of: rule)
        schema["type"] = "string"
        return schema
    }

    /// What a rule says without the type, as for the names of properties.
    private func constraints(of rule: TextRule) -> JSONValue {
        if rule.allowed.count == 1 { return ["const": .string(rule.allowed[0])] }
        if !rule.allowed.isEmpty { return ["enum": .array(rule.allowed.map { .string($0) })] }
        // The schema counts characters, of which there are never more than bytes.
        var schema: JSONValue = ["maxLength": .int(rule.maximumLength)]
        if let pattern = rule.pattern { schema["pattern"] = .string(pattern) }
        return schema
    }
}
