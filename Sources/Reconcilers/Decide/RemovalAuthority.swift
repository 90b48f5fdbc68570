// Who may take an instance away that is not desired. The controller and `opsapply` ask the same rule.

/// Who said that an instance may be taken away. Absence alone never does.
public enum RemovalAuthority: Sendable, Hashable {
    /// A person deleted the App or the Server.
    case deleted(by: String)
    /// The App's placement no longer names this server, at this generation.
    case placementMoved(generation: Int)
}

/// What the store says of an App or a Server.
public enum Declaration: Sendable, Hashable {
    case declared(generation: Int)
    /// It left a tombstone.
    case deleted(by: String, generation: Int)
    case absent
}

extension RemovalAuthority {
    /// - Parameters:
    ///   - resource: the App, or the Server for what it carries by itself.
    ///   - server: the Server that the instance is on.
    ///   - known: the newest generation of the resource that the server knows.
    public init?(resource: Declaration, server: Declaration, known: Int) {
        switch (resource, server) {
        case (.deleted(let person, let generation), _):
            // A tombstone older than what runs there comes from an older copy of the store.
            if known > generation { return nil }
            self = .deleted(by: person)
        case (.declared, .deleted(let person, _)): self = .deleted(by: person)
        case (.declared(let generation), .declared): self = .placementMoved(generation: generation)
        case (.absent, _), (.declared, .absent): return nil
        }
    }
}
