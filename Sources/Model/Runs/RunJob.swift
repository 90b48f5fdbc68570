// A job that is not a plan: steps that a person, a schedule or a script wants done, on one server or on any of a pool.

public struct RunJob: Sendable, Hashable {
    /// One id on each queue that the run is for; a repeat of it on the same queue is no second job.
    public var id: String
    public var steps: [RunStep]
    /// Who wants it: `run by ann@host`, `Schedule/nightly`, `inbox`.
    public var origin: String
    /// For all steps together.
    public var timeout: Duration
    /// Not begun after this; what is under way then is stopped.
    public var deadline: Timestamp?
    /// The time that it is for, where a schedule fired it.
    public var scheduledFor: Timestamp?
    /// What `${config.…}`, `${app.name}`, `${server.address}` and `${run.time}` stand for in its steps, by that name. nil:
    /// the steps are no templates and are taken as they are.
    public var values: [String: String]?
    /// Whether it may be done again where nobody knows if it was done: said by whoever wants it.
    public var isRepeatable: Bool
    /// 0…9, the higher first.
    public var priority: Int
    /// Attempts until it is dead; 1 is no retry.
    public var maximumAttempts: Int

    public init(
        id: String, steps: [RunStep], origin: String, timeout: Duration = RunBounds.timeout, deadline: Timestamp? = nil,
        scheduledFor: Timestamp? = nil, values: [String: String]? = nil, isRepeatable: Bool = false,
        priority: Int = RunBounds.priority, maximumAttempts: Int = 1
    ) {
        self.id = id
        self.steps = steps
        self.origin = origin
        self.timeout = timeout
        self.deadline = deadline
        self.scheduledFor = scheduledFor
        self.values = values
        self.isRepeatable = isRepeatable
        self.priority = priority
        self.maximumAttempts = maximumAttempts
    }

    /// Whether the store writes its end into a hash of its own too, for a script that waits for it: what scripts push.
    public var isToldAsHash: Bool { origin == Self.inbox }
    /// The origin of what scripts push.
    public static let inbox = "inbox"

    /// Whether an attempt that nobody heard the end of may be followed by another elsewhere.
    public var isSafeToRepeat: Bool { isRepeatable || steps.allSatisfy(\.isSafeToRepeat) }
}

/// The bounds of what people may ask for, and what is taken where they say nothing.
public enum RunBounds {
    public static let priority = 5
    public static let priorities = 0...9
    public static let attempts = 1...99
    public static let timeout: Duration = .seconds(3600)
    public static let longestTimeout: Duration = .seconds(7 * 86_400)
    /// How far ahead `--at` and `--delay` may reach.
    public static let longestDelay: Duration = .seconds(366 * 86_400)
    public static let steps = 1...100
    /// Bytes of a job's JSON.
    public static let jobBytes = 256 << 10

    public static let longestID = 128

    /// Letters, digits, `.`, `_` and `-`: an id becomes part of keys and file names.
    public static func isValid(id: String) -> Bool {
        guard !id.isEmpty, id.utf8.count <= longestID, id.first != "." else { return false }
        return id.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}
