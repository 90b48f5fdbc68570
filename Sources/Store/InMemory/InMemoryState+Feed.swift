// Reading the feed. A cursor names the last entry read; if that entry is no longer there, what came after it may be
// lost too.

extension InMemoryState {
    static let start = "0-0"

    var feedEnd: FeedCursor {
        FeedCursor(
            positions: shards.map { shard in shard.feed.entries.last.map { Self.text($0.position) } ?? Self.start })
    }

    func changes(after cursor: FeedCursor, shards numbers: [Int]?, limit: Int) -> FeedBatch {
        var next = cursor
        var changes: [Change] = []
        for number in numbers ?? Array(shards.indices) {
            let feed = shards[number].feed
            guard let begin = Self.index(after: cursor.positions[number], in: feed) else {
                return .gap(
                    feedEnd, why: "entries of shard \(number) after \(cursor.positions[number]) are not there any more")
            }
            let entries = feed.entries[begin...].prefix(limit)
            changes += entries.map(\.change)
            if let last = entries.last { next.positions[number] = Self.text(last.position) }
        }
        return .changes(changes, next)
    }

    /// Where reading goes on; nil if it cannot.
    private static func index(after position: String, in feed: Shard.Feed) -> Int? {
        if position == start { return feed.wasTrimmed ? nil : 0 }
        return feed.entries.firstIndex { text($0.position) == position }.map { $0 + 1 }
    }

    private static func text(_ position: Int) -> String { "\(position)-0" }
}
