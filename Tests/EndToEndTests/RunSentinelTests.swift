// F12 and F17 behind a real Sentinel: the primary is killed, or hangs, while jobs run and wait, and its replica takes its
// place.

import Model
import Store
import TestRedis
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct RunSentinelTests {
    @Test(arguments: ["killed", "hangs"])
    func `F12, F17: after a failover jobs are taken within two seconds, and none is lost or done twice`(_ end: String)
        async throws
    {
        try await PrivateSentinel.with { service in
            try await RunPlaces.with(at: service.url, service.replica) { places in
                var places = places
                try await places.tick()
                try await places.enqueue(20, "k", "sleep 0.3")
                #expect(await places.firstBegun() != nil, "\(places.fleet.logs)")
                try await service.replicate()
                if end == "killed" { await service.primary.kill9() } else { service.primary.pause() }
                #expect(try await service.isPromoted(within: .seconds(30)))
                // The sentinel names it up to a second later, before which nobody can turn to it.
                let promoted = RunPlaces.now
                if end == "hangs" { #expect(try await service.isNamed(within: .seconds(30))) }
                print("F12, the primary \(end): waited \(Duration.nanoseconds(RunPlaces.now - promoted))")
                await places.goesOn(after: end == "hangs" ? RunPlaces.now : promoted, "F12, the primary \(end)")
                // The lock that the leader takes anew and the inbox are there, too.
                let item = #"{"id": "after", "on": "server2", "command": ["true"]}"#
                _ = try await places.fleet.redisCommand("RPUSH", "ops:{ctl}:inbox", item)
                #expect(try await places.fleet.reaches("server2/after", "done"), "\(places.fleet.logs)")
                #expect(await places.ticks(2), "\(places.fleet.logs)")
                // The one that hung takes itself for the primary for a while yet: nobody goes on there.
                if end == "hangs" {
                    service.primary.resume()
                    #expect(try await service.isDemoted(within: .seconds(40)))
                }
                try await places.enqueue(4, "l")
                #expect(await places.ticks(2), "\(places.fleet.logs)")
                try await places.judgeJobs()
                try await places.judgeTicks()
            }
        }
    }
}
