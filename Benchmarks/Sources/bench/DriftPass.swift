// The full pass over a converged fleet, against the time in which the same client only reads the same hashes. Three ways
// are taken in turns, so that a busy machine is busy for all of them, and medians are compared.

import Controller
import Glibc
import Logging
import Model
import Reconcilers
import Redis
import RedisStore
import Store
import TestRedis

enum DriftPass {
    private static let rounds = 5

    /// Compares every field of every instance where the replies are.
    private struct Comparison: ObservedVisitor {
        let expectations: [InstanceExpectation]
        var comparer: FieldComparer?
        var drifted = 0

        mutating func begin(_ index: Int) { comparer = FieldComparer(expectations[index]) }

        mutating func visit(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
            comparer?.take(name, value)
        }

        mutating func end(_ index: Int) {
            if comparer?.isInSync != true { drifted += 1 }
        }
    }

    static func run(_ effort: Effort) async throws -> [Figure] {
        let population = try Population(instances: effort.instances)
        return try await Stage.with { stage in
            try await population.write(to: stage.store)
            let replica = try await replica(stage)
            var (reads, compares, proofs) = (Samples(), Samples(), Samples())
            let expectations = population.servers.flatMap { server in
                population.apps.compactMap { $0.expectation(on: population.facts(server)) }
            }
            for _ in 0..<rounds {
                reads.add(try await read(stage, population))
                compares.add(try await compare(stage, population, expectations))
                proofs.add(try await prove(replica.housekeeper))
            }
            await replica.end()
            let count = population.ids.count
            let read = reads.median
            return [
                Figure(
                    measure: "full drift pass, \(count) instances of \(Population.fields) fields, every field compared",
                    bar: 1.5, measured: compares.median / read, unit: "× reading",
                    note: "\(text(compares.median)) ms; only reading \(text(read)) ms"),
                Figure(
                    measure: "full drift pass as the controller does it (proved by revision and digest)", bar: 1.5,
                    measured: proofs.median / read, unit: "× reading", note: "\(text(proofs.median)) ms"),
            ]
        }
    }

    /// A replica that knows the fleet, in this process.
    private static func replica(_ stage: Stage) async throws -> RunningReplica {
        let replica = RunningReplica(stage)
        try await replica.settle()
        return replica
    }

    private static func read(_ stage: Stage, _ population: Population) async throws -> Duration {
        let threads = RedisThreads()
        let client = RedisClient(try RedisURL(stage.redis.url), on: threads)
        try await client.connect()
        let keys = population.ids.map(observedKey)
        let (duration, entries) = try await measure {
            try await client.forEachReply(keys: keys, into: 0, deadline: .seconds(60)) {
                $1.append("HGETALL", key: $0)
            } handle: { total, _, reply in
                total += reply.count
            }
        }
        guard entries >= keys.count * Population.fields * 2 else { throw Problem("only \(entries) entries were read") }
        await client.close()
        await threads.shutdown()
        return duration
    }

    private static func observedKey(_ id: InstanceID) -> String {
        let shard = StoreLayout.shard(of: id.server)
        return "ops:{s\(shard < 10 ? "0" : "")\(shard)}:server:\(id.server):app:\(id.appKey)"
    }

    private static func compare(
        _ stage: Stage, _ population: Population, _ expectations: [InstanceExpectation]
    ) async throws -> Duration {
        let ids = population.ids
        let (duration, end) = try await measure {
            try await stage.store.visitObserved(ids, Comparison(expectations: expectations))
        }
        guard end.drifted == 0 else { throw Problem("\(end.drifted) instances of a converged fleet drifted") }
        return duration
    }

    private static func prove(_ housekeeper: Housekeeper) async throws -> Duration {
        let (duration, suspects) = try await measure {
            var suspects = 0
            for shard in 0..<StoreLayout.shards { suspects += try await housekeeper.provePass(shard: shard).count }
            return suspects
        }
        guard suspects == 0 else { throw Problem("\(suspects) instances of a converged fleet were suspected") }
        return duration
    }
}

/// A controller replica in this process, running.
final class RunningReplica: Sendable {
    private let replica: Replica
    private let task: Task<Void, Never>

    init(_ stage: Stage) {
        var logger = Logger(label: "bench")
        logger.logLevel = .error
        let replica = Replica(
            store: stage.store, configuration: ControllerConfiguration(holder: "bench"), time: SystemTime(),
            logger: logger)
        self.replica = replica
        task = Task { await replica.run() }
    }

    var housekeeper: Housekeeper { replica.housekeeper }

    /// Until it leads and has nothing to do, and a first pass has learned every digest.
    func settle() async throws {
        var quiet = 0
        for _ in 0..<6000 where quiet < 50 {
            try await ContinuousClock().sleep(for: .milliseconds(10))
            let load = await replica.loop.load
            let isLeading = replica.leadership.lease(at: SystemTime().now()) != nil
            quiet = isLeading && load.waiting == 0 && load.running == 0 ? quiet + 1 : 0
        }
        guard quiet >= 50 else { throw Problem("the replica did not settle within a minute") }
        for shard in 0..<StoreLayout.shards { _ = try await housekeeper.provePass(shard: shard) }
    }

    func end() async {
        replica.shutDown()
        await task.value
    }
}
