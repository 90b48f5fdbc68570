// Which of several agents that call themselves the same stands for a server: two machines started with one `--server`, a
// copied image. One of them holds the server, and every script in which an agent takes work compares.
//
// Guarantees: of two agents of one server only the holder takes work, and who held it before takes none from the moment
// that another does, however late its call arrives. An agent that is restarted is the holder at once.
// Assumption: an agent visits its own queue more often than `AgentBounds.silence`; what does not is taken for gone.

public import Model

/// One agent: the same over its restarts, until its machine starts again.
public struct AgentIdentity: Sendable, Hashable {
    /// What is compared. The attempts that only this agent's journal knows of have tokens that begin with it.
    public var id: String
    /// The one before: of this machine before it started, or of the machine that this one is a copy of. The journal is that
    /// agent's, as far as it goes.
    public var former: String?
    /// Where people find it: host and state folder.
    public var place: String

    public init(id: String, former: String? = nil, place: String) {
        self.id = id
        self.former = former
        self.place = place
    }

    /// A nonce of this agent's attempts.
    package func nonce(_ life: String) -> String { "\(id):\(life)" }

    /// The agent that an attempt with this token was given to; nil if the token does not say.
    static func id(in token: String) -> String? {
        token.firstIndex(of: ":").map { String(token[..<$0]) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// Another agent that stands for the server.
public struct AgentHolder: Sendable, Hashable {
    public var place: String
    public var heardAt: Timestamp

    public init(place: String, heardAt: Timestamp) {
        self.place = place
        self.heardAt = heardAt
    }

    /// Why an agent's report was not taken, as the store says it.
    package static let conflict = "another agent stands for this server"
}

public enum AgentBounds {
    /// Who was not heard of for so long holds its server no more, if another wants it. Longer than an executor's wait
    /// between two visits of its queue (`Executor.Timing.wait`).
    public static let silence: Duration = .seconds(15)
    /// That it was heard of is written no more often than this: turns follow each other quickly, and it is a write.
    public static let heardEvery: Duration = .seconds(1)
}
