// What the templates of a manifest may ask of the server that they are filled in for, and what comes of filling them
// in.

public import Model

/// One server, as far as templates know it.
public struct ServerFacts: Sendable, Hashable {
    public var name: String
    public var address: String
    /// The folder that its agent is confined to, empty for `/`; nil before the agent's first report.
    public var root: String?

    public init(name: String, address: String, root: String?) {
        self.name = name
        self.address = address
        self.root = root
    }

    func value(of variable: Template.ServerVariable) -> String? {
        switch variable {
        case .name: name
        case .address: address
        case .root: root
        }
    }
}

/// What resolving an instance answers.
public enum Resolution: Sendable, Hashable {
    case resolved(DesiredInstance)
    /// It cannot be said yet what the instance should be. Nothing may be done to it, least of all its removal.
    case waiting(why: String)
}

/// Why a resolution waits.
struct ResolveProblem: Error, Sendable, Hashable {
    var why: String
}
