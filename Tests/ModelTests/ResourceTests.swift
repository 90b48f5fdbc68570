import Model
import Testing

@Suite("Resources")
struct ResourceTests {
    @Test(arguments: ["a", "web-1", "a.b", "0", String(repeating: "x", count: 63)])
    func `a valid name`(_ name: String) {
        #expect(ResourceName.isValid(name))
    }

    @Test(arguments: ["", "-a", "a-", ".a", "A", "a_b", "_", "a b", "é", "a@b", String(repeating: "x", count: 64)])
    func `an invalid name`(_ name: String) {
        #expect(!ResourceName.isValid(name))
    }

    @Test func `an instance is written app@server, and a server's own by its name`() {
        let own = InstanceID(app: nil, server: "server1")
        let web = InstanceID(app: "webapp", server: "server1")
        #expect(web.description == "webapp@server1")
        #expect(own.description == "server1")
        #expect(InstanceID(appKey: own.appKey, server: "server1") == own)
        #expect(InstanceID(appKey: web.appKey, server: "server1") == web)
        #expect(own.resource == ResourceKey(.server, "server1"))
        #expect(web.resource == ResourceKey(.app, "webapp"))
        #expect(own < web)
    }

    @Test func `a share is rounded down and at least one`() {
        #expect(Limit.percent(25).of(10) == 2)
        #expect(Limit.percent(1).of(10) == 1)
        #expect(Limit.percent(100).of(0) == 1)
        #expect(Limit.count(3).of(1) == 3)
    }

    @Test func `a suspension ends at its end`() {
        let end = Timestamp(milliseconds: 10)
        #expect(Suspension(reason: "x").isInForce(at: end))
        #expect(Suspension(reason: "x", until: end).isInForce(at: Timestamp(milliseconds: 9)))
        #expect(!Suspension(reason: "x", until: end).isInForce(at: end))
    }

    @Test func `a server is stale after three intervals without a report`() {
        let server = ObservedServer(name: "a", revision: 1, reportedAt: Timestamp(milliseconds: 0), values: [:])
        #expect(!server.isStale(every: .seconds(5), at: Timestamp(milliseconds: 15_000)))
        #expect(server.isStale(every: .seconds(5), at: Timestamp(milliseconds: 15_001)))
        #expect(
            ObservedServer(name: "a", revision: 0, reportedAt: nil, values: [:]).isStale(
                every: .seconds(5), at: Timestamp(milliseconds: 0)))
    }
}
