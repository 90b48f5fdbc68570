// How much later than its time a fire comes: spread over the jitter, and the same whoever asks.

internal import Calendar
internal import Model

struct ScheduleJitter {
    private let seed: UInt64
    let longest: Duration

    init(schedule: String, longest: Duration) {
        // FNV-1a (Fowler, Noll and Vo).
        seed = schedule.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
        self.longest = min(max(.zero, longest), ScheduleBounds.longestJitter)
    }

    /// When the time `time` is due. Never later than the time after it, so that times come due in their order.
    func moment(of time: Timestamp, next: Timestamp?) -> Timestamp {
        let room = min(longest, next.map { $0 - time } ?? longest).wholeMilliseconds
        guard room > 0 else { return time }
        return time + .milliseconds(Int64(hash(time) % UInt64(room + 1)))
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    private func hash(_ time: Timestamp) -> UInt64 {
        var value = seed ^ UInt64(bitPattern: time.milliseconds) &* 0x9e37_79b9_7f4a_7c15
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
