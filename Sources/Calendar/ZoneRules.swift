// How local time runs in one zone: offsets to UTC and the moments at which they change. Values only; `TZifReader` makes them
// from bytes, `ZoneDatabase` from a name.

public import Model

public struct ZoneRules: Sendable, Hashable {
    /// No offset, ever.
    public static let utc = ZoneRules(
        firstOffset: 0, transitions: [], footer: PosixZone(offset: 0, saving: nil))

    /// Seconds east of UTC until the first transition.
    let firstOffset: Int64
    /// In order of time, no two at once.
    let transitions: [ZoneTransition]
    /// What holds after the last transition; nil: its offset, for ever.
    let footer: PosixZone?

    /// The offset of local time to UTC, in seconds, positive in the east.
    public func offset(at time: Timestamp) -> Int {
        Int(segment(at: time.milliseconds.flooredQuotient(1000)).offset)
    }

    /// The stretch of one offset that a moment is in, in seconds since 1970-01-01T00:00:00Z.
    func segment(at instant: Int64) -> ZoneSegment {
        let index = count(until: instant)
        guard index == transitions.count else {
            return ZoneSegment(
                start: index == 0 ? ZoneSegment.longAgo : transitions[index - 1].instant,
                end: transitions[index].instant,
                offset: offset(after: index), previousOffset: offset(after: index - 1))
        }
        let start = transitions.last?.instant ?? ZoneSegment.longAgo
        let last = ZoneSegment(
            start: start, end: ZoneSegment.never, offset: offset(after: index), previousOffset: offset(after: index - 1)
        )
        return footer.map { $0.segment(at: instant, after: last) } ?? last
    }

    /// How many transitions are not after a moment.
    private func count(until instant: Int64) -> Int {
        var (low, high) = (0, transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle].instant <= instant { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func offset(after count: Int) -> Int64 { count > 0 ? transitions[count - 1].offset : firstOffset }
}

struct ZoneTransition: Sendable, Hashable {
    var instant: Int64
    /// From then on.
    var offset: Int64
}

/// From `start` to before `end`, local time is UTC + `offset`.
struct ZoneSegment: Equatable {
    var start: Int64
    var end: Int64
    var offset: Int64
    /// Until `start`.
    var previousOffset: Int64

    /// Far enough that no time is beyond it, and near enough that an offset can be added.
    static let longAgo = Int64.min / 4
    static let never = Int64.max / 4
}
