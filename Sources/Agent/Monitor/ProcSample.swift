// One look at /proc, and what lies between two of them. Parsing is apart from reading, so that it can be held to samples.

internal import CLinux
internal import Glibc

package struct ProcSample: Sendable, Hashable {
    /// Ticks of all processors together since boot.
    package var busy: UInt64 = 0
    package var total: UInt64 = 0
    /// Bytes in and out of all interfaces but the loopback.
    package var network: UInt64 = 0
    /// In kB.
    package var memory: UInt64 = 0
    package var available: UInt64 = 0
    /// Of the last minute, as the kernel writes it.
    package var load = ""
    package var uptimeSeconds: UInt64 = 0

    package init() {}

    package static func read(from folder: String = "/proc") -> ProcSample {
        var sample = ProcSample()
        sample.readStat(readSmallText(folder + "/stat") ?? "")
        sample.readMeminfo(readSmallText(folder + "/meminfo") ?? "")
        sample.readNetwork(readSmallText(folder + "/net/dev") ?? "")
        sample.load = String((readSmallText(folder + "/loadavg") ?? "").prefix { $0 != " " })
        sample.uptimeSeconds = UInt64((readSmallText(folder + "/uptime") ?? "").prefix { $0 != "." }) ?? 0
        return sample
    }

    package mutating func readStat(_ text: String) {
        guard let line = text.split(separator: "\n", maxSplits: 1).first, line.hasPrefix("cpu ") else { return }
        // user nice system idle iowait irq softirq steal; guest times are in user and nice already.
        let ticks = line.split(separator: " ").dropFirst().prefix(8).map { UInt64($0) ?? 0 }
        guard ticks.count >= 5 else { return }
        total = ticks.reduce(0, &+)
        busy = total &- ticks[3] &- ticks[4]
    }

    package mutating func readMeminfo(_ text: String) {
        for line in text.split(separator: "\n").prefix(8) {
            let words = line.split(separator: " ")
            guard words.count >= 2, let value = UInt64(words[1]) else { continue }
            if words[0] == "MemTotal:" { memory = value }
            if words[0] == "MemAvailable:" { available = value }
        }
    }

    package mutating func readNetwork(_ text: String) {
        network = 0
        for line in text.split(separator: "\n").dropFirst(2) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            guard line[..<colon].drop(while: { $0 == " " }) != "lo" else { continue }
            let counters = line[line.index(after: colon)...].split(separator: " ")
            guard counters.count > 8 else { continue }
            network &+= (UInt64(counters[0]) ?? 0) &+ (UInt64(counters[8]) ?? 0)
        }
    }
}

/// What people read of a server, from two looks.
package enum ServerValues {
    /// The uptime moves in steps of this many seconds, so that it does not make every report a change.
    static let uptimeStep: UInt64 = 600

    /// `cpu`, `mem` in percent; `network` in kB/s, in and out together; `load` of the last minute; `uptime` in seconds.
    package static func values(_ now: ProcSample, since before: ProcSample?, seconds: Double) -> [String: String] {
        var values = [
            "load": now.load, "uptime": String(now.uptimeSeconds / uptimeStep * uptimeStep),
            "mem": percent(now.memory - min(now.available, now.memory), of: now.memory),
        ]
        let busy = grown(now.busy, since: before?.busy ?? 0)
        let total = grown(now.total, since: before?.total ?? 0)
        values["cpu"] = percent(min(busy, total), of: total)
        let bytes = before.map { grown(now.network, since: $0.network) } ?? 0
        values["network"] = String(seconds > 0 ? Int(Double(bytes / 1000) / max(seconds, 0.01)) : 0)
        return values
    }

    /// Counters step back: of a processor that was taken out, of an interface that is gone, at the end of their range.
    private static func grown(_ now: UInt64, since before: UInt64) -> UInt64 { now >= before ? now - before : 0 }

    static func percent(_ part: UInt64, of whole: UInt64) -> String {
        // What is too large to be multiplied is large enough to be divided.
        guard whole >> 56 == 0 else { return percent(part >> 8, of: whole >> 8) }
        return whole == 0 ? "0" : String((part * 100 + whole / 2) / whole)
    }
}
