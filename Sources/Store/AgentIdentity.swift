// Which of several agents that call themselves the same stands for a server: two machines started with one `--server`, a
// copied image. One of them holds the server, and every script in which an agent takes work compares.
//
// Guarantees: of two agents of one server only the holder takes work, and who held it before takes none from the moment
// that another does, however late its call arrives. An agent that is restarted is the holder at once.
// Assumption: an agent visits its own queue more often than `AgentBounds.silence`; what does not is taken for gone.

public import Model

/// One agent: the same over its restarts, until its machine starts again.
public struct AgentIdentity: Sendable, Hashable {
    /// Of the journal, which outlives a start of the machine: the attempts that only this journal knows of have tokens that
    /// begin with it.
    public var journal: String
    /// Of the machine's start.
    public var boot: String
    /// Where people find it: host and state folder.
    public var place: String

    public init(journal: String, boot: String, place: String) {
        self.journal = journal
        self.boot = boot
        self.place = place
    }

    /// What is compared.
    package var id: String { "\(journal)@\(boot)" }

    /// A nonce of this agent's attempts.
    package func nonce(_ life: String) -> String { "\(journal):\(life)" }

    /// The journal that knows of an attempt with this token; nil if the token does not say.
    static func journal(in token: String) -> String? {
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
    /// An epoch is about the time when it was given; one that is so far ahead of the clock was made by somebody's hand.
    public static let epochAhead: Duration = .seconds(86_400)
}
