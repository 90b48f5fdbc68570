// From the parts of an instance to its snapshot, each value copied once from where the reply is.

internal import Manifests
internal import Model
internal import Redis
internal import Store

struct InstanceDecoder: Sendable {
    /// In the order in which they are read.
    enum Part: Int { case control, observed, assignment }

    /// Rounds are counted no further: their waits have long stopped growing.
    private static let mostRounds = 1_000_000

    let id: InstanceID
    private var control: InstanceControl?
    private var observed: ObservedInstance?
    private var generation: Int?
    private var digest = ""
    /// What was wrong, before its key is named.
    private var problem: (part: Part, message: String)?

    init(_ id: InstanceID) { self.id = id }

    mutating func takeControl(_ name: String, _ value: String) {
        var control = control ?? InstanceControl()
        self.control = nil
        switch name {
        case "assignmentGeneration": generation = number(name, value, .control)
        case "assignmentDigest": digest = value
        case "phase":
            if let phase = InstancePhase(rawValue: value) { control.phase = phase } else { refuse(name, value) }
        case "message": control.message = value
        case "metDigest": control.metDigest = value
        case "job": control.openJob = value
        case "round": control.round.round = min(number(name, value, .control), Self.mostRounds)
        case "roundGeneration": control.round.generation = number(name, value, .control)
        case "roundError": control.round.error = value
        case "roundEndedAt":
            control.round.endedAt = Timestamp(milliseconds: Int64(number(name, value, .control)))
        default:
            if name.hasPrefix("drift:") { takeDrift(value, into: &control) }
        }
        self.control = control
    }

    private mutating func takeDrift(_ text: String, into control: inout InstanceControl) {
        do throws(WireError) {
            let record = try DriftRecord(wireText: text)
            control.drift[record.field] = record
        } catch {
            problem = (.control, "drift: \(error)")
        }
    }

    mutating func takeAssignment(_ text: String) {
        do throws(WireError) {
            control = control ?? InstanceControl()
            control?.assignment = try Assignment(wireText: text)
        } catch {
            problem = (.assignment, "\(error)")
        }
    }

    mutating func takeObserved(_ name: String, _ value: String) {
        var observed =
            observed
            ?? ObservedInstance(
                id: id, revision: 0, generation: 0, digest: "", reportedAt: Timestamp(milliseconds: 0), fields: [:])
        self.observed = nil
        switch name {
        case "revision": observed.revision = number(name, value, .observed)
        case "generation": observed.generation = number(name, value, .observed)
        case "digest": observed.digest = value
        case "fieldsDigest": break
        case "reportedAt":
            observed.reportedAt = Timestamp(milliseconds: Int64(number(name, value, .observed)))
        default:
            // A field of a kind that this program does not know (yet) is not observed, as far as it is concerned.
            if let key = FieldKey(name) { observed.fields[key] = value }
        }
        self.observed = observed
    }

    private mutating func number(_ name: String, _ value: String, _ part: Part) -> Int {
        if let number = Int(value) { return number }
        problem = (part, "\(name): expected a number, found \"\(value)\"")
        return 0
    }

    private mutating func refuse(_ name: String, _ value: String) {
        problem = (.control, "\(name): found \"\(value)\"")
    }

    mutating func refuse(_ part: Part, _ message: String) { problem = (part, message) }

    func snapshot(_ keys: Keyspace) throws(StoreError) -> InstanceSnapshot {
        if let problem {
            throw .corrupt(key: problem.part.key(of: id, keys), problem.message)
        }
        var control = control
        if let generation, control?.assignment == nil {
            control?.assignment = Assignment(id: id, generation: generation, digest: digest, fields: [])
        }
        return InstanceSnapshot(id: id, control: control, observed: observed)
    }
}

extension InstanceDecoder.Part {
    func key(of id: InstanceID, _ keys: Keyspace) -> String {
        switch self {
        case .control: keys.control(id)
        case .observed: keys.observed(id)
        case .assignment: keys.assignment(id)
        }
    }
}

/// Puts the replies of each instance together: control and observed hash, and the assignment if `width` is 3. On a
/// cluster they can come in any order.
struct SnapshotRun: Sendable {
    private struct Partial: Sendable {
        var decoder: InstanceDecoder
        var missing: Int
    }

    let width: Int
    private var partials: [Int: Partial] = [:]

    init(width: Int) { self.width = width }

    mutating func take(
        _ reply: borrowing RedisReplyView, _ index: Int, of id: InstanceID, _ keys: Keyspace,
        _ handle: (InstanceSnapshot) -> Void
    ) {
        var partial =
            partials.removeValue(forKey: index / width) ?? Partial(decoder: InstanceDecoder(id), missing: width)
        partial.missing -= 1
        if !Self.take(reply, part: index % width, into: &partial.decoder),
            let part = InstanceDecoder.Part(rawValue: index % width)
        {
            partial.decoder.refuse(part, reply.error ?? "holds another type than it should")
        }
        guard partial.missing == 0 else {
            partials[index / width] = partial
            return
        }
        do throws(StoreError) {
            handle(try partial.decoder.snapshot(keys))
        } catch {
            handle(InstanceSnapshot(id: id, control: nil, observed: nil, problem: error))
        }
    }

    private static func take(
        _ reply: borrowing RedisReplyView, part: Int, into decoder: inout InstanceDecoder
    ) -> Bool {
        switch part {
        case 0: reply.forEachField { decoder.takeControl(text($0), text($1)) }
        case 1: reply.forEachField { decoder.takeObserved(text($0), text($1)) }
        default:
            switch reply.kind {
            case .null: true
            case .string:
                reply.withBytes {
                    decoder.takeAssignment(text($0))
                    return true
                } ?? false
            default: false
            }
        }
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }
}

/// Lends each hash to the visitor.
struct VisitRun<Visitor: ObservedVisitor>: Sendable {
    var visitor: Visitor

    init(visitor: Visitor) { self.visitor = visitor }

    mutating func take(_ reply: borrowing RedisReplyView, _ index: Int) {
        visitor.begin(index)
        // What is no hash has no fields, so it is in sync with nothing, and is looked at by itself.
        reply.forEachField { visitor.visit($0, $1) }
        visitor.end(index)
    }
}
