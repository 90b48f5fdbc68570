// The agent's operations.

internal import Manifests
public import Model
internal import Redis
public import Store
internal import Synchronization

extension RedisStore: AgentStore {
    @discardableResult
    public func report(_ report: ServerReport) async throws(StoreError) -> Int {
        let measured = report.values.filter { ServerReport.isMeasurement($0.key) }
        let others = report.values.filter { !ServerReport.isMeasurement($0.key) }
        var arguments: [RedisArgument] = [
            .string(report.agent?.id ?? ""), report.full ? "1" : "0", .int(measured.count), .int(others.count),
        ]
        for (name, value) in Array(measured) + Array(others) { arguments += [.string(name), .string(value)] }
        return try await call(Scripts.reportServer, server: report.server, arguments).int ?? 0
    }

    public func report(_ report: InstanceReport) async throws(StoreError) -> Int {
        try await call(Scripts.reportInstance, server: report.id.server, report.arguments).int ?? 0
    }

    public func assignments(server: String) async throws(StoreError) -> AssignmentList {
        let reply = try await call(Scripts.assignments, server: server, isWrite: false).array ?? []
        var assignments: [Assignment] = []
        var unreadable: [String] = []
        for index in stride(from: 2, to: reply.count - 1, by: 2) {
            let key = keys.assignment(InstanceID(appKey: reply[index].string ?? "", server: server))
            do throws(StoreError) {
                assignments.append(try decode(reply[index + 1].string ?? "", in: key))
            } catch .corrupt(_, let why) {
                unreadable.append("\(key) cannot be read: \(why)")
            }
        }
        let interval = reply.count > 1 ? reply[1].string.flatMap { Int64($0) } : nil
        return AssignmentList(
            revision: reply.first?.int ?? 0, assignments: assignments.sorted { $0.id < $1.id },
            reportInterval: interval.flatMap { $0 > 0 ? .milliseconds($0) : nil }, unreadable: unreadable)
    }

    public func claim(
        server: String, token: String, limit: Int, lease: Duration, boot: Bool, agent: AgentIdentity?
    ) async throws(StoreError) -> ClaimReply {
        let milliseconds = Int(lease.wholeMilliseconds)
        let reply =
            try await call(
                Scripts.claimJobs, server: server,
                [
                    .string(token), .int(max(0, limit)), .int(milliseconds), boot ? "1" : "0",
                    .string(agent?.id ?? ""), .string(agent?.place ?? ""),
                ]
            ).array ?? []
        guard reply.count >= 4, let now = reply[0].int, let revision = reply[1].int, let due = reply[2].int else {
            throw .corrupt(key: keys.server(server), "the claim answered with something unknown")
        }
        var claims: [Claim] = []
        var unreadable: [String] = []
        for index in stride(from: 4, to: reply.count - 2, by: 3) {
            let id = reply[index].string ?? ""
            do throws(StoreError) {
                let job: Job = try decode(reply[index + 1].string ?? "", in: keys.job(server, id))
                claims.append(
                    Claim(
                        job: job, attempt: reply[index + 2].int ?? 0, token: token,
                        leaseEndsAt: Timestamp(milliseconds: Int64(now + milliseconds))))
            } catch .corrupt(let key, let why) {
                unreadable.append(await bury(id, server: server, token: token, "\(key) cannot be read: \(why)"))
            }
        }
        return ClaimReply(
            claims: claims, assignmentRevision: revision,
            nextDueAt: due > 0 ? Timestamp(milliseconds: Int64(due)) : nil, now: Timestamp(milliseconds: Int64(now)),
            unreadable: unreadable, holder: AgentHolder(reply[3]))
    }

    /// Ends a job that nobody can read, so that it is not claimed again with every lease; returns why. If even that
    /// fails, its lease ends and it comes again.
    private func bury(_ id: String, server: String, token: String, _ why: String) async -> String {
        try? await complete(
            server: server, id: id, token: token, result: .dead(error: why), output: "", report: nil)
        return why
    }

    public func heartbeat(
        server: String, ids: [String], token: String, lease: Duration
    ) async throws(StoreError) -> [String] {
        guard !ids.isEmpty else { return [] }
        let arguments = [.string(token), .int(Int(lease.wholeMilliseconds))] + ids.map { RedisArgument.string($0) }
        let reply = try await call(Scripts.heartbeatJobs, server: server, arguments)
        return (reply.array ?? []).compactMap(\.string)
    }

    public func complete(
        server: String, id: String, token: String, result: AttemptResult, output: String, report: InstanceReport?
    ) async throws(StoreError) {
        var arguments: [RedisArgument] = [.string(id), .string(token)]
        switch result {
        case .done: arguments += ["done", "", "0"]
        case .dead(let error): arguments += ["dead", .string(StoreBounds.bounded(error: error)), "0"]
        case .failed(let error, let retryAfter):
            arguments += [
                "failed", .string(StoreBounds.bounded(error: error)),
                .int(Int(max(.zero, retryAfter).wholeMilliseconds)),
            ]
        }
        arguments += [.string(StoreBounds.bounded(output: output)), report == nil ? "0" : "1"]
        try await call(Scripts.completeJob, server: server, arguments + (report?.arguments ?? []))
    }

    // MARK: waiting

    /// BLPOP takes seconds, and 0 means for ever.
    private static let shortestWait: Duration = .milliseconds(10)
    /// One BLPOP waits no longer than this: as long, a line that is half open may look like one on which nothing comes. Where
    /// something came lately that is short; where nothing does it costs agents and Redis less.
    private static let busySlice: Duration = .seconds(1)
    private static let idleSlice: Duration = .seconds(5)
    /// What came so lately makes a line busy; a new one is taken as busy too.
    private static let lately: Duration = .seconds(30)
    /// So much later than that its answer makes the line doubtful. Spread, so that agents do not all doubt at once when
    /// Redis was busy for a moment.
    private static let doubtAfter = 300...400
    /// How long another line may take to show that Redis answers, and the one for commands that it is not half open too.
    private static let probe: Duration = .milliseconds(400)
    /// Where that line shows nothing another is asked after this, so often: a successor may only be about to be named.
    private static let probeAgain: Duration = .milliseconds(300)
    private static let mostProbes = 8
    /// An answer that was only late is there by now.
    private static let lastGrace: Duration = .milliseconds(50)

    public func waitForWork(server: String, timeout: Duration) async throws(StoreError) -> Bool {
        let end = ContinuousClock.now + max(timeout, Self.shortestWait)
        while true {
            let isBusy = busyWakes.withLock { $0[server].map { .now - $0 < Self.lately } ?? true }
            let slice = min(max(end - .now, Self.shortestWait), isBusy ? Self.busySlice : Self.idleSlice)
            if try await waitForWork(server: server, slice: slice) { return true }
            if Task.isCancelled || end <= .now { return false }
        }
    }

    private func waitForWork(server: String, slice: Duration) async throws(StoreError) -> Bool {
        let key = keys.wake(server)
        do throws(RedisError) {
            let line = try await wakeLine(server)
            let isWoken = !(try await blockingPop(key, on: line, slice: slice).isNull)
            if isWoken { busyWakes.withLock { $0[server] = .now } }
            return isWoken
        } catch {
            let line = wakeLines.withLock { $0.removeValue(forKey: server) }
            await line?.close()
            if error == .cancelled { return false }
            throw StoreError(error, isWrite: false)
        }
    }

    /// BLPOP on a line that is watched: where its answer is late, and another line shows that Redis answers, it is half open
    /// and is closed. Where no line answers, Redis is busy or away, and the deadline of the command counts, which is longer.
    private func blockingPop(
        _ key: String, on line: RedisConnection, slice: Duration
    ) async throws(RedisError) -> RedisValue {
        let seconds = String(Double(slice.wholeMilliseconds) / 1000)
        // Counted before it is sent: an answer that comes between the doubt and the look is not the next wait's silence.
        let answers = line.answers
        return try await line.sendBlocking(
            RedisCommand("BLPOP", key: key, [.string(seconds)]), serverTimeout: slice,
            doubtAfter: .milliseconds(Int.random(in: Self.doubtAfter)),
            onDoubt: { Task { await self.closeIfHalfOpen(line, key, unlessAfter: answers) } })
    }

    private func closeIfHalfOpen(_ line: RedisConnection, _ key: String, unlessAfter answers: Int) async {
        let question = RedisCommand("EXISTS", key: key)
        for _ in 0..<Self.mostProbes {
            var isThere = false
            if let other = try? await client.dedicatedConnection(forKey: key) {
                isThere = (try? await other.send(question, deadline: Self.probe)) != nil
                await other.close()
            }
            try? await Task.sleep(for: isThere ? Self.lastGrace : Self.probeAgain)
            guard line.isOpen, line.answers == answers else { return }
            guard isThere else { continue }
            await line.close()
            // The line for commands is asked too: a deadline that passes closes it, and whoever waits on it is told at once.
            _ = try? await client.send(question, deadline: Self.probe)
            return
        }
    }

    /// The connection that waits for this server, or a new one if it broke.
    private func wakeLine(_ server: String) async throws(RedisError) -> RedisConnection {
        if let line = wakeLines.withLock({ $0[server] }), line.isOpen { return line }
        let line = try await client.dedicatedConnection(forKey: keys.wake(server))
        wakeLines.withLock { $0[server] = line }
        busyWakes.withLock { $0[server] = .now }
        return line
    }
}

extension AgentHolder {
    /// As `other_agent` answers it; nil where there is none.
    init?(_ reply: RedisValue) {
        guard let words = reply.array, words.count == 2 else { return nil }
        self.init(
            place: words[0].string ?? "?", heardAt: Timestamp(milliseconds: Int64(words[1].int ?? 0)))
    }
}

extension InstanceReport {
    /// As `read_report` is given it.
    var arguments: [RedisArgument] {
        var arguments: [RedisArgument] = [
            .string(agent?.id ?? ""), .string(id.appKey), .int(generation), .string(digest), .string(fieldsDigest),
            .string(gone ? "gone" : full ? "full" : "part"),
        ]
        let values = fields.compactMapValues { $0 }
        arguments.append(.int(values.count))
        for (field, value) in values { arguments += [.string(field.description), .string(value)] }
        let removed = fields.filter { $0.value == nil }.keys
        return arguments + [.int(removed.count)] + removed.map { .string($0.description) }
    }
}
