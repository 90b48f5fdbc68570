// From the two hashes of an instance to its snapshot. Names are looked at where the reply is; what is kept is copied once.

internal import Manifests
internal import Model
internal import Redis
internal import Store

struct InstanceDecoder: Sendable {
    let id: InstanceID
    private var control: [String: String] = [:]
    private var observed: ObservedInstance?
    private var problem: String?

    init(_ id: InstanceID) { self.id = id }

    mutating func takeControl(_ fields: [String: String]) { control = fields }

    mutating func takeObserved(_ fields: [String: String]) {
        for (name, value) in fields { takeObserved(name, value) }
    }

    mutating func takeObserved(_ name: String, _ value: String) {
        var observed =
            observed
            ?? ObservedInstance(
                id: id, revision: 0, generation: 0, digest: "", reportedAt: Timestamp(milliseconds: 0), fields: [:])
        self.observed = nil
        switch name {
        case "revision": observed.revision = number(name, value)
        case "generation": observed.generation = number(name, value)
        case "digest": observed.digest = value
        case "fieldsDigest": break
        case "reportedAt": observed.reportedAt = Timestamp(milliseconds: Int64(number(name, value)))
        default:
            // A field of a kind that this program does not know (yet) is not observed, as far as it is concerned.
            if let key = FieldKey(name) { observed.fields[key] = value }
        }
        self.observed = observed
    }

    private mutating func number(_ name: String, _ value: String) -> Int {
        if let number = Int(value) { return number }
        problem = "\(name): expected a number, found \"\(value)\""
        return 0
    }

    func snapshot(_ keys: Keyspace) throws(StoreError) -> InstanceSnapshot {
        if let problem { throw .corrupt(key: keys.observed(id), problem) }
        return InstanceSnapshot(id: id, control: try decodedControl(keys.control(id)), observed: observed)
    }

    private func decodedControl(_ key: String) throws(StoreError) -> InstanceControl? {
        guard !control.isEmpty else { return nil }
        guard let phase = InstancePhase(rawValue: control["phase"] ?? InstancePhase.unknown.rawValue) else {
            throw .corrupt(key: key, "phase: found \"\(control["phase"] ?? "")\"")
        }
        do throws(WireError) {
            var result = InstanceControl(
                assignment: try control["assignment"].map { text throws(WireError) in try Assignment(wireText: text) },
                phase: phase, message: control["message"] ?? "", openJob: control["job"], round: round,
                metDigest: control["metDigest"] ?? "")
            for (name, text) in control where name.hasPrefix("drift:") {
                let record = try DriftRecord(wireText: text)
                result.drift[record.field] = record
            }
            return result
        } catch {
            throw .corrupt(key: key, "\(error)")
        }
    }

    private var round: RoundState {
        RoundState(
            round: control["round"].flatMap { Int($0) } ?? 0,
            endedAt: control["roundEndedAt"].flatMap { Int64($0) }.map { Timestamp(milliseconds: $0) },
            error: control["roundError"], generation: control["roundGeneration"].flatMap { Int($0) } ?? 0)
    }
}

/// Pairs the two replies of each instance; on a cluster they can come in any order.
struct SnapshotRun: Sendable {
    private var halves: [Int: InstanceDecoder] = [:]
    private(set) var error: StoreError?

    mutating func take(
        _ reply: borrowing RedisReplyView, _ index: Int, of id: InstanceID, _ keys: Keyspace,
        _ handle: (InstanceSnapshot) -> Void
    ) {
        guard error == nil else { return }
        let other = halves.removeValue(forKey: index / 2)
        var decoder = other ?? InstanceDecoder(id)
        var control: [String: String] = [:]
        let isHash = reply.forEachField { name, value in
            let name = String(decoding: name, as: UTF8.self)
            let value = String(decoding: value, as: UTF8.self)
            if index.isMultiple(of: 2) { control[name] = value } else { decoder.takeObserved(name, value) }
        }
        if index.isMultiple(of: 2) { decoder.takeControl(control) }
        guard isHash else {
            let key = index.isMultiple(of: 2) ? keys.control(id) : keys.observed(id)
            error = .corrupt(key: key, reply.error ?? "expected a hash")
            return
        }
        guard other != nil else {
            halves[index / 2] = decoder
            return
        }
        do throws(StoreError) { handle(try decoder.snapshot(keys)) } catch { self.error = error }
    }
}

/// Lends each hash to the visitor.
struct VisitRun<Visitor: ObservedVisitor>: Sendable {
    var visitor: Visitor
    private(set) var error: StoreError?

    init(visitor: Visitor) { self.visitor = visitor }

    mutating func take(_ reply: borrowing RedisReplyView, _ index: Int) {
        visitor.begin(index)
        let isHash = reply.forEachField { visitor.visit($0, $1) }
        visitor.end(index)
        if !isHash, error == nil { error = .corrupt(key: "observed hash \(index)", reply.error ?? "expected a hash") }
    }
}
