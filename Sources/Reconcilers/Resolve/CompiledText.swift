// Templates with everything filled in that is the same on all servers: only what a server says of itself is left open.

import Model

/// The names that a template may use beside the server's.
struct TextScope: Sendable {
    /// nil in what a Server carries by itself.
    var appName: String?
    var config: [String: String]
}

/// A template, parsed once, with config and app filled in.
struct CompiledText: Sendable {
    enum Part: Sendable {
        case literal(String)
        case server(Template.ServerVariable)
    }

    let parts: [Part]
    /// The whole text, if no server has a say in it.
    let fixed: String?

    init(_ text: String, in scope: TextScope) throws(ResolveProblem) {
        var parts: [Part] = []
        var literal = ""
        for segment in try Self.segments(of: text) {
            switch segment {
            case .literal(let text): literal += text
            case .variable(.config(let name)): literal += try Self.config(name, in: scope)
            case .variable(.appName): literal += try Self.appName(in: scope)
            case .variable(.run(let name)):
                throw ResolveProblem(why: "template names ${run.\(name.rawValue)}, which only the steps of a run have")
            case .variable(.server(let variable)):
                if !literal.isEmpty { parts.append(.literal(literal)) }
                literal = ""
                parts.append(.server(variable))
            }
        }
        fixed = parts.isEmpty ? literal : nil
        if !literal.isEmpty { parts.append(.literal(literal)) }
        self.parts = parts
    }

    private static func segments(of text: String) throws(ResolveProblem) -> [Template.Segment] {
        do {
            return try Template(parsing: text).segments
        } catch {
            switch error {
            case .unknownName(let name, let offset):
                throw ResolveProblem(why: "template names ${\(name)} at byte \(offset), which is not known")
            case .unclosed(let offset):
                throw ResolveProblem(why: "template opens ${ at byte \(offset) and does not close it")
            }
        }
    }

    private static func config(_ name: String, in scope: TextScope) throws(ResolveProblem) -> String {
        guard let value = scope.config[name] else {
            throw ResolveProblem(why: "template names ${config.\(name)}, and config has no \"\(name)\"")
        }
        return value
    }

    private static func appName(in scope: TextScope) throws(ResolveProblem) -> String {
        guard let name = scope.appName else {
            throw ResolveProblem(why: "template names ${app.name}, which only an App has")
        }
        return name
    }

    func rendered(on facts: ServerFacts) throws(ResolveProblem) -> String {
        if let fixed { return fixed }
        var result = ""
        for part in parts {
            switch part {
            case .literal(let text): result += text
            case .server(let variable):
                guard let value = facts.value(of: variable) else {
                    throw ResolveProblem(why: "waiting for the agent of \(facts.name) to report")
                }
                result += value
            }
        }
        return result
    }
}

/// Every template of one workload by its text.
struct TextTable: Sendable {
    let scope: TextScope
    private var texts: [String: CompiledText] = [:]

    init(scope: TextScope) {
        self.scope = scope
    }

    /// The text if it is the same on all servers, else nil.
    mutating func compile(_ text: String) throws(ResolveProblem) -> String? {
        if let known = texts[text] { return known.fixed }
        let compiled = try CompiledText(text, in: scope)
        if compiled.fixed == nil { texts[text] = compiled }
        return compiled.fixed
    }

    func rendered(_ text: String, on facts: ServerFacts) throws(ResolveProblem) -> String {
        if let known = texts[text] { return try known.rendered(on: facts) }
        return try CompiledText(text, in: scope).rendered(on: facts)
    }
}
