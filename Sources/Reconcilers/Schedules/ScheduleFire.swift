// One run that a Schedule wants, by the time that it is for. The id is made of nothing else, so that each (schedule, time) is
// exactly one job, whoever decides it and how often.

internal import Calendar
public import Model

public struct ScheduleFire: Sendable, Hashable {
    /// `nightly-20261128T020000Z`: at most 80 bytes.
    public var id: String
    /// The time that it is for.
    public var time: Timestamp

    public init(of schedule: String, at time: Timestamp) {
        id = "\(schedule)-\(time.compact)"
        self.time = time
    }
}
