// Which strings of a spec are templates: said once, for compiling and for rendering.

import Model

/// Turns one template into its text.
typealias TextMap = (String) throws(ResolveProblem) -> String

extension CommandSpec {
    func mappingTexts(_ map: TextMap) throws(ResolveProblem) -> CommandSpec {
        var result = self
        result.command = try SpecTexts.array(command, map)
        if let creates { result.creates = try map(creates) }
        if let unless { result.unless = try SpecTexts.array(unless, map) }
        result.environment = try SpecTexts.values(environment, map)
        if let directory { result.directory = try map(directory) }
        return result
    }
}

extension ServiceSpec {
    func mappingTexts(_ map: TextMap) throws(ResolveProblem) -> ServiceSpec {
        var result = self
        result.command = try SpecTexts.array(command, map)
        result.environment = try SpecTexts.values(environment, map)
        if let directory { result.directory = try map(directory) }
        if case .command(let command)? = reload { result.reload = .command(try SpecTexts.array(command, map)) }
        return result
    }
}

extension HealthSpec {
    func mappingTexts(_ map: TextMap) throws(ResolveProblem) -> HealthSpec {
        var result = self
        switch probe {
        case .http(let url): result.probe = .http(try map(try SpecTexts.bracketed(url, map)))
        case .tcp(let address): result.probe = .tcp(try map(address))
        case .command(let command): result.probe = .command(try SpecTexts.array(command, map))
        }
        return result
    }
}

enum SpecTexts {
    /// In a URL an IPv6 address stands in brackets, or its colons would be read as that of the port.
    static func bracketed(_ url: String, _ map: TextMap) throws(ResolveProblem) -> String {
        let hole = "${server.address}"
        guard url.contains(hole), try map(hole).contains(":") else { return url }
        var result = ""
        var rest = url[...]
        while let found = rest.firstRange(of: hole) {
            result += rest[..<found.lowerBound]
            result += result.hasSuffix("[") || result.hasSuffix("$") ? hole : "[\(hole)]"
            rest = rest[found.upperBound...]
        }
        return result + rest
    }

    static func array(_ texts: [String], _ map: TextMap) throws(ResolveProblem) -> [String] {
        var result: [String] = []
        result.reserveCapacity(texts.count)
        for text in texts { result.append(try map(text)) }
        return result
    }

    static func values(_ texts: [String: String], _ map: TextMap) throws(ResolveProblem) -> [String: String] {
        var result = texts
        for (key, text) in texts { result[key] = try map(text) }
        return result
    }
}
