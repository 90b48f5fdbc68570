// What every store agrees on: how names are spread over shards, and how much is kept of everything that grows.

public import Model

public enum StoreLayout {
    public static let shards = 64

    /// The shard of a resource or a server: CRC16 of its name modulo the number of shards. What belongs to a server,
    /// its instances and jobs among it, is in the server's shard.
    public static func shard(of name: String) -> Int { Int(crc16(name.utf8)) % shards }

    /// CRC-16/XMODEM, the one that Redis Cluster uses for its slots.
    static func crc16(_ bytes: some Sequence<UInt8>) -> UInt16 {
        var crc: UInt16 = 0
        for byte in bytes {
            crc ^= UInt16(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
        }
        return crc
    }
}

/// How much a store keeps. What is beyond goes, the oldest first.
public enum StoreBounds {
    /// Feed entries of one shard: a reader that falls further behind sees a gap and lists everything again.
    public static let feedEntries = 10_000
    /// Applied manifests of one resource, the present one included.
    public static let historyEntries = 20
    /// Repaired drift of one server.
    public static let driftEntries = 500
    public static let eventsPerShard = 500
    /// Deleted resources of one kind in one shard. Beyond this, what the oldest made is held as orphaned, never removed.
    public static let tombstones = 1000
    /// Open jobs that one claim looks at for entries that vanished from the queue.
    public static let sweptJobs = 100
    /// Bytes of an error that is kept with a job.
    public static let errorBytes = 2048
    /// Hints that wait for a slow reader; each says only that a shard changed, so older ones may go.
    public static let waitingHints = 1024

    /// The last part of an output, which says how it ended, cut between characters.
    public static func bounded(output: String) -> String {
        guard output.utf8.count > QueueBounds.outputBytes else { return output }
        return String(decoding: output.utf8.suffix(QueueBounds.outputBytes).drop { $0 & 0xC0 == 0x80 }, as: UTF8.self)
    }

    /// The first part of an error.
    public static func bounded(error: String) -> String {
        guard error.utf8.count > errorBytes else { return error }
        var bytes = Array(error.utf8.prefix(errorBytes))
        while let last = bytes.last, last & 0xC0 == 0x80 { bytes.removeLast() }
        if let last = bytes.last, last & 0x80 != 0 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self) + "…"
    }
}

extension ResourceKey {
    /// The shard that this resource is stored in.
    public var shard: Int { StoreLayout.shard(of: name) }
}

extension InstanceID {
    /// The shard of this instance's server.
    public var shard: Int { StoreLayout.shard(of: server) }
}

extension Event {
    /// The shard that this event is kept in: that of the server or resource that it is about.
    public var shard: Int {
        let name = subject.split(whereSeparator: { $0 == "@" || $0 == "/" }).last.map(String.init)
        return StoreLayout.shard(of: name ?? subject)
    }
}

extension ServerReport {
    /// Values that move all the time: a report of only these makes no feed entry. A name counts up to its first colon.
    public static let measurements: Set<String> = ["cpu", "mem", "disk", "network", "load", "uptime"]

    public static func isMeasurement(_ name: String) -> Bool {
        measurements.contains(String(name.prefix { $0 != ":" }))
    }
}

extension Job {
    /// Why an executor that vanished or overstayed ends a job, once its attempts are used up.
    public static func exhausted(_ why: String) -> String {
        "\(why), at attempt \(maximumAttempts) of \(maximumAttempts)"
    }
}
