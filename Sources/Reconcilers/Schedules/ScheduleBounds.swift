// What a decision about a Schedule is bounded by.

/// The bounds of schedules; what a manifest says beyond them is cut to them.
public enum ScheduleBounds {
    /// A time that is decided so soon after its moment is on time: leaders change, and ticks come late.
    public static let grace: Duration = .seconds(60)
    /// How many times one decision makes up for, the newest.
    public static let mostAtOnce = 100
    /// How long a time that could not be kept can be of use.
    public static let longestStartDeadline: Duration = .seconds(31 * 86_400)
    public static let longestJitter: Duration = .seconds(86_400)
}
