// One line of the ledger: what is written down before it is done, or because it cannot be seen.

internal import JSON
internal import Manifests
package import Model

package enum LedgerEntry: Sendable, Hashable {
    /// The highest epoch that a job came with.
    case epoch(Int64)
    /// Step number `step` of this job begins now, or again.
    case begun(job: String, step: Int)
    /// The process that the step just begun runs in.
    case process(job: String, ProcessIdentity)
    case ended(job: String, EndedJob)
    /// This field is about to be made here; there was nothing before.
    case made(InstanceID, FieldKey, Made)
    case unmade(InstanceID, FieldKey)
    case config(InstanceID, key: String, value: String?)
    case service(ServiceRecord)
    case serviceGone(ServiceKey)
    /// The instance left this server with all that was made for it.
    case forgotten(InstanceID)
    /// A step of a run begins now, or again.
    case runBegun(run: String, OpenRun)
    case runEnded(run: String, EndedRun)
}

extension LedgerEntry {
    var json: JSONValue {
        switch self {
        case .epoch(let epoch): ["t": "epoch", "epoch": .int(Int(epoch))]
        case .begun(let job, let step): ["t": "begun", "job": .string(job), "step": .int(step)]
        case .process(let job, let process): ["t": "process", "job": .string(job), "process": process.json]
        case .ended(let job, let how):
            [
                "t": "ended", "job": .string(job), "error": how.error.map { .string($0) } ?? .null,
                "output": .string(how.output), "gone": .bool(how.gone),
            ]
        case .made(let id, let key, let how): Self.field("made", id, key, ["how": .string(how.rawValue)])
        case .unmade(let id, let key): Self.field("unmade", id, key, [:])
        case .config(let id, let key, let value):
            Self.field("config", id, FieldKey(.config, key), ["value": value.map { .string($0) } ?? .null])
        case .service(let record):
            Self.field(
                "service", record.key.instance, record.key.field,
                [
                    "run": record.run.json, "process": record.process.json, "runDigest": .string(record.runDigest),
                    "loadDigest": .string(record.loadDigest),
                ])
        case .serviceGone(let key): Self.field("serviceGone", key.instance, key.field, [:])
        case .forgotten(let id):
            ["t": "forgotten", "app": .string(id.appKey), "server": .string(id.server)]
        case .runBegun(let run, let open): open.json(run)
        case .runEnded(let run, let how): how.json(run)
        }
    }

    private static func field(
        _ type: String, _ id: InstanceID, _ key: FieldKey, _ more: [String: JSONValue]
    ) -> JSONValue {
        let all: [String: JSONValue] = [
            "t": .string(type), "app": .string(id.appKey), "server": .string(id.server),
            "field": .string(key.description),
        ]
        return .object(all.merging(more) { first, _ in first })
    }

    /// nil if this is no entry: a line that was damaged.
    init?(json: JSONValue) {
        let job = json["job"]?.string
        let field = json["field"]?.string.flatMap { FieldKey($0) }
        var id: InstanceID?
        if let app = json["app"]?.string, let server = json["server"]?.string {
            id = InstanceID(appKey: app, server: server)
        }
        switch (json["t"]?.string, job, id, field) {
        case ("epoch", _, _, _):
            guard let epoch = json["epoch"]?.int else { return nil }
            self = .epoch(Int64(epoch))
        case ("begun", let job?, _, _):
            guard let step = json["step"]?.int else { return nil }
            self = .begun(job: job, step: step)
        case ("process", let job?, _, _):
            guard let process = json["process"].flatMap({ ProcessIdentity(json: $0) }) else { return nil }
            self = .process(job: job, process)
        case ("ended", let job?, _, _):
            guard let output = json["output"]?.string, let gone = json["gone"]?.bool else { return nil }
            self = .ended(job: job, EndedJob(error: json["error"]?.string, output: output, gone: gone))
        case ("made", _, let id?, let key?):
            guard let how = json["how"]?.string.flatMap({ Made(rawValue: $0) }) else { return nil }
            self = .made(id, key, how)
        case ("unmade", _, let id?, let key?): self = .unmade(id, key)
        case ("config", _, let id?, let key?): self = .config(id, key: key.name, value: json["value"]?.string)
        case ("service", _, let id?, let key?):
            guard let record = ServiceRecord(json: json, key: ServiceKey(id, key.name)) else { return nil }
            self = .service(record)
        case ("serviceGone", _, let id?, let key?): self = .serviceGone(ServiceKey(id, key.name))
        case ("forgotten", _, let id?, _): self = .forgotten(id)
        default:
            guard let entry = Self.ofRun(json) else { return nil }
            self = entry
        }
    }
}

extension ServiceRecord {
    fileprivate init?(json: JSONValue, key: ServiceKey) {
        guard let runJSON = json["run"], let run = try? ServiceRun(json: runJSON),
            let process = json["process"].flatMap({ ProcessIdentity(json: $0) }),
            let runDigest = json["runDigest"]?.string, let loadDigest = json["loadDigest"]?.string
        else { return nil }
        self.init(key: key, run: run, process: process, runDigest: runDigest, loadDigest: loadDigest)
    }
}

extension ProcessIdentity {
    var json: JSONValue { ["pid": .int(Int(pid)), "start": .int(Int(startTime)), "boot": .string(boot)] }

    init?(json: JSONValue) {
        guard let pid = json["pid"]?.int, let start = json["start"]?.int, let boot = json["boot"]?.string,
            let number = Int32(exactly: pid), start >= 0
        else { return nil }
        self.init(pid: number, startTime: UInt64(start), boot: boot)
    }
}
