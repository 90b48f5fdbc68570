// The scripts: each file of `Scripts/` with the preludes that it uses before it, as one text. Bounds come from
// `StoreBounds`, so that they are written once.

internal import Model
internal import Redis
internal import Store

enum Scripts {
    static let acquireLease = RedisScript(source: PackageResources.acquireLease_lua)
    static let renewLease = RedisScript(source: PackageResources.renewLease_lua)
    static let releaseLease = RedisScript(source: PackageResources.releaseLease_lua)
    static let seal = RedisScript(source: PackageResources.seal_lua)
    static let handEdits = RedisScript(source: PackageResources.handEdits_lua)
    static let listInstances = RedisScript(source: PackageResources.listInstances_lua)
    static let recordEvent = joined([
        PackageResources.preludeEvents_lua, feed, fence, PackageResources.recordEvent_lua,
    ])

    static let applyResource = resource(PackageResources.preludeMonitor_lua + PackageResources.applyResource_lua)
    static let deleteResource = resource(PackageResources.preludeMonitor_lua + PackageResources.deleteResource_lua)
    static let confirmRemoval = resource(PackageResources.confirmRemoval_lua)
    static let raiseGeneration = resource(PackageResources.raiseGeneration_lua)
    static let refuseEdit = resource(PackageResources.refuseEdit_lua)
    static let writeStatus = resource(PackageResources.writeStatus_lua)

    static let reportServer = server([agent, PackageResources.reportServer_lua])
    static let reportInstance = server([report, PackageResources.reportInstance_lua])
    static let assignments = server([PackageResources.assignments_lua])
    static let claimJobs = server([agent, jobs, PackageResources.claimJobs_lua])
    static let heartbeatJobs = server([PackageResources.heartbeatJobs_lua])
    static let completeJob = server([jobs, report, PackageResources.completeJob_lua])
    static let cancelJob = server([jobs, PackageResources.cancelJob_lua])
    static let retryInstance = server([jobs, PackageResources.retryInstance_lua])
    static let enqueueObserve = server([jobs, PackageResources.enqueueObserve_lua])
    static let listJobs = server([PackageResources.listJobs_lua])
    static let commitInstance = server([fence, jobs, report, PackageResources.commitInstance_lua])

    static let enqueueRuns = runs([fence, PackageResources.enqueueRuns_lua])
    static let turnRuns = runs([agent, PackageResources.turnRuns_lua])
    static let mendRuns = runs([PackageResources.mendRuns_lua])
    static let listRuns = runs([PackageResources.listRuns_lua])
    static let cancelRun = runs([fence, PackageResources.cancelRun_lua])
    static let retryRun = runs([PackageResources.retryRun_lua])
    static let purgeRuns = runs([PackageResources.purgeRuns_lua])
    static let appendRunOutput = runs([PackageResources.appendRunOutput_lua])
    static let leavePool = runs([PackageResources.leavePool_lua])
    static let joinPool = RedisScript(source: PackageResources.joinPool_lua)
    static let writeSchedules = joined([
        Array("local K = { fence = KEYS[1], refused = KEYS[2] }".utf8), fence, PackageResources.writeSchedules_lua,
    ])

    private static let feed = bounds + PackageResources.preludeClock_lua + PackageResources.preludeFeed_lua
    private static let fence = PackageResources.preludeFence_lua
    private static let jobs = PackageResources.preludeJobs_lua
    private static let report = agent + PackageResources.preludeReport_lua
    private static let agent = agentBounds + PackageResources.preludeAgent_lua

    private static func resource(_ body: [UInt8]) -> RedisScript {
        joined([PackageResources.preludeResource_lua, feed, fence, body])
    }

    private static func server(_ parts: [[UInt8]]) -> RedisScript {
        joined([PackageResources.preludeServer_lua, feed] + parts)
    }

    private static func runs(_ parts: [[UInt8]]) -> RedisScript {
        joined([runBounds, PackageResources.preludeClock_lua, PackageResources.preludeRuns_lua] + parts)
    }

    private static func joined(_ parts: [[UInt8]]) -> RedisScript {
        RedisScript(source: Array(parts.joined(separator: [UInt8(ascii: "\n")])))
    }

    private static let runBounds = Array(
        """
        local ENDED_OF_SERVER, ENDED_OF_POOL = \(RunBounds.endedOfServer), \(RunBounds.endedOfPool)
        local ENDED_AT_LEAST, ENDED_MOST = \(RunBounds.endedAtLeast.wholeMilliseconds), \(RunBounds.endedMost)
        local ENDED_FOR, LARGEST_BATCH = \(RunBounds.endedFor.wholeMilliseconds), \(RunBounds.largestBatch)
        local OUTPUT_CHUNKS, MOST_LOST = \(RunBounds.outputChunks), \(RunBounds.mostLost)
        local MOST_WOKEN, SWEPT, MOST_ORPHANS = \(RunBounds.mostWoken), 8, 10000
        local IDLE_FOR, WOKEN_FOR, TIMEKEEPERS, SHARE_PAUSE = 60000, 5000, 4, 5

        """.utf8)

    private static let agentBounds = Array(
        """
        local EPOCH_AHEAD = \(AgentBounds.epochAhead.wholeMilliseconds)
        local AGENT_SILENCE = \(AgentBounds.silence.wholeMilliseconds)
        local AGENT_HEARD_EVERY = \(AgentBounds.heardEvery.wholeMilliseconds)
        local OTHER_AGENT = '\(AgentHolder.conflict)'

        """.utf8)

    private static let bounds = Array(
        """
        local FEED_ENTRIES, EVENT_ENTRIES = \(StoreBounds.feedEntries), \(StoreBounds.eventsPerShard)
        local HISTORY_ENTRIES, DRIFT_ENTRIES = \(StoreBounds.historyEntries), \(StoreBounds.driftEntries)
        local TOMBSTONES, SWEPT_JOBS = \(StoreBounds.tombstones), \(StoreBounds.sweptJobs)
        local ENDED_JOBS, MAXIMUM_ATTEMPTS = \(QueueBounds.endedJobsKept), \(Job.maximumAttempts)
        local MEASUREMENTS = {\(ServerReport.measurements.sorted().map { "\($0) = true" }.joined(separator: ", "))}

        """.utf8)
}

// MARK: locks of people's scripts

extension Scripts {
    static let acquireLock = RedisScript(source: PackageResources.acquireLock_lua)
    static let renewLock = RedisScript(source: PackageResources.renewLock_lua)
    static let releaseLock = RedisScript(source: PackageResources.releaseLock_lua)
}

// MARK: the inbox

extension Scripts {
    static let takeInbox = inbox(PackageResources.takeInbox_lua)
    static let settleInbox = inbox(PackageResources.settleInbox_lua)

    private static func inbox(_ body: [UInt8]) -> RedisScript {
        let bounds = """
            local RECORD_MS, RECORDS = \(InboxBounds.recordsFor.wholeMilliseconds), \(InboxBounds.records)
            local REFUSED, KEPT_BYTES = \(InboxBounds.refused), \(InboxBounds.keptBytes)

            """
        return RedisScript(source: Array(bounds.utf8) + PackageResources.preludeInbox_lua + [UInt8(ascii: "\n")] + body)
    }
}
