// `${config.x}`, `${server.x}`, `${app.x}`, `${run.x}` in strings of a manifest; `$$` is one dollar, any other dollar is
// itself.
// Reading is here, because the manifests' reader checks names and the planner fills in values.

/// A string with holes, parsed once.
public struct Template: Sendable, Hashable {
    public enum Segment: Sendable, Hashable {
        case literal(String)
        case variable(Variable)
    }

    public enum Variable: Sendable, Hashable {
        case config(String)
        case server(ServerVariable)
        case appName
        /// Only in the steps of actions and schedules.
        case run(RunVariable)
    }

    public enum RunVariable: String, Sendable, Hashable, CaseIterable {
        case id
        /// The time that the job is for, or that it was enqueued at, as `20261128T020000Z`.
        case time
    }

    public enum ServerVariable: String, Sendable, Hashable, CaseIterable {
        case name
        case address
        /// The folder that the agent is confined to, without a trailing slash; empty for `/`. Known once the agent reported.
        case root
    }

    public enum ParseError: Error, Hashable, Sendable {
        /// `name` as written between the braces; `offset` counts UTF-8 bytes from the start of the string to its `$`.
        case unknownName(name: String, offset: Int)
        case unclosed(offset: Int)
    }

    public let segments: [Segment]

    /// Every name that is known beside `config.…`, for messages and hints.
    public static let fixedNames = ServerVariable.allCases.map { "server.\($0.rawValue)" } + ["app.name"]

    public var variables: [Variable] {
        segments.compactMap { if case .variable(let variable) = $0 { variable } else { nil } }
    }

    /// Whether the result differs from server to server even where the configuration is the same.
    public var dependsOnServer: Bool {
        variables.contains { if case .server = $0 { true } else { false } }
    }

    public init(parsing text: String) throws(ParseError) {
        var segments: [Segment] = []
        var literal: [UInt8] = []
        let bytes = Array(text.utf8)
        var index = 0
        let dollar = UInt8(ascii: "$")
        while index < bytes.count {
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            guard bytes[index] == dollar, next == dollar || next == UInt8(ascii: "{") else {
                literal.append(bytes[index])
                index += 1
                continue
            }
            if next == dollar {
                literal.append(dollar)
                index += 2
                continue
            }
            guard let close = bytes[index...].firstIndex(of: UInt8(ascii: "}")) else { throw .unclosed(offset: index) }
            let name = String(decoding: bytes[(index + 2)..<close], as: UTF8.self)
            guard let variable = Self.variable(named: name) else { throw .unknownName(name: name, offset: index) }
            if !literal.isEmpty { segments.append(.literal(String(decoding: literal, as: UTF8.self))) }
            literal.removeAll()
            segments.append(.variable(variable))
            index = close + 1
        }
        if !literal.isEmpty { segments.append(.literal(String(decoding: literal, as: UTF8.self))) }
        self.segments = segments
    }

    private static func variable(named name: String) -> Variable? {
        if name == "app.name" { return .appName }
        if name.hasPrefix("config."), name.utf8.count > 7 { return .config(String(name.dropFirst(7))) }
        if name.hasPrefix("run.") { return RunVariable(rawValue: String(name.dropFirst(4))).map { .run($0) } }
        guard name.hasPrefix("server.") else { return nil }
        return ServerVariable(rawValue: String(name.dropFirst(7))).map { .server($0) }
    }

    /// The string with every hole filled by `value`; nil as soon as one value is not known.
    public func rendered(_ value: (Variable) -> String?) -> String? {
        var result = ""
        for segment in segments {
            switch segment {
            case .literal(let text): result += text
            case .variable(let variable):
                guard let text = value(variable) else { return nil }
                result += text
            }
        }
        return result
    }
}
