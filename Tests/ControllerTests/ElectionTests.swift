// The election as a state machine: what is told it, and what it answers.

import Controller
import Store
import Testing

@Suite struct ElectionTests {
    private static func election() -> Election {
        let nonces = NonceCounter()
        return Election(configuration: ControllerConfiguration(holder: "a")) { nonces.next() }
    }

    /// An election that leads since time 0 with nonce `n1`.
    private static func leading() -> (Election, Lease) {
        var election = election()
        let lease = Lease(holder: "a", nonce: "n1", epoch: 5)
        _ = election.handle(.tick, now: .zero)
        _ = election.handle(.presenceOpened(nonce: "n1"), now: .zero)
        _ = election.handle(.acquired(lease, sentAt: .zero), now: .zero)
        _ = election.handle(.prepared(lease), now: .zero)
        return (election, lease)
    }

    @Test func `the presence line stands before the lock is asked for, and preparing comes before leading`() {
        var election = Self.election()
        let lease = Lease(holder: "a", nonce: "n1", epoch: 5)
        #expect(election.handle(.tick, now: .zero) == [.openPresence(nonce: "n1")])
        #expect(election.handle(.tick, now: .milliseconds(10)) == [])
        #expect(election.handle(.presenceOpened(nonce: "n1"), now: .milliseconds(20)) == [.acquire(nonce: "n1")])
        #expect(
            election.handle(.acquired(lease, sentAt: .milliseconds(20)), now: .milliseconds(21)) == [.prepare(lease)])
        #expect(!election.isLeading)
        #expect(
            election.handle(.prepared(lease), now: .milliseconds(30))
                == [.lead(lease, until: .milliseconds(20) + .milliseconds(2500))])
        #expect(election.isLeading)
    }

    @Test func `a standby asks each 50 ms and never twice at once`() {
        var election = Self.election()
        _ = election.handle(.tick, now: .zero)
        #expect(election.handle(.presenceOpened(nonce: "n1"), now: .zero) == [.acquire(nonce: "n1")])
        #expect(election.handle(.tick, now: .milliseconds(50)) == [])
        #expect(election.handle(.notAcquired(nonce: "n1"), now: .milliseconds(51)) == [.acquire(nonce: "n1")])
        #expect(election.handle(.notAcquired(nonce: "n1"), now: .milliseconds(52)) == [])
        #expect(election.handle(.tick, now: .milliseconds(101)) == [.acquire(nonce: "n1")])
    }

    @Test func `a renewal that is answered after the leader should have stopped ends its term`() {
        var (election, lease) = Self.leading()
        #expect(election.handle(.tick, now: .seconds(1)) == [.renew(lease)])
        let actions = election.handle(.renewed(lease, sentAt: .seconds(1)), now: .milliseconds(2501))
        #expect(actions.contains(.stepDown(lease, why: "the lease was not renewed in time", release: true)))
        #expect(!election.isLeading)
    }

    @Test func `a leader renews each second, and stops half a second before the end of a lease that was not renewed`() {
        var (election, lease) = Self.leading()
        #expect(election.handle(.tick, now: .milliseconds(999)) == [])
        #expect(election.handle(.tick, now: .seconds(1)) == [.renew(lease)])
        #expect(
            election.handle(.renewed(lease, sentAt: .seconds(1)), now: .milliseconds(1010))
                == [.extend(lease, until: .milliseconds(3500))])
        #expect(election.handle(.tick, now: .seconds(2)) == [.renew(lease)])
        #expect(election.handle(.renewFailed(lease), now: .milliseconds(2100)) == [])
        #expect(election.handle(.tick, now: .seconds(3)) == [.renew(lease)])
        #expect(
            election.handle(.tick, now: .milliseconds(3500))
                == [
                    .stepDown(lease, why: "the lease was not renewed in time", release: true),
                    .closePresence(nonce: "n1"),
                ])
        #expect(!election.isLeading)
    }

    // F5: renewals lost during a failover, then healed (redisson#775, #3194).
    @Test func `renewing goes on after lost renewals that were healed in time`() {
        var (election, lease) = Self.leading()
        _ = election.handle(.tick, now: .seconds(1))
        _ = election.handle(.renewFailed(lease), now: .milliseconds(1900))
        #expect(election.handle(.tick, now: .seconds(2)) == [.renew(lease)])
        _ = election.handle(.renewed(lease, sentAt: .seconds(2)), now: .milliseconds(2010))
        #expect(election.handle(.tick, now: .seconds(3)) == [.renew(lease)])
    }

    @Test func `a refused write ends the term at once, and the next try has a nonce of its own, a second later`() {
        var (election, lease) = Self.leading()
        #expect(
            election.handle(.refused(lease), now: .milliseconds(300))
                == [.stepDown(lease, why: "a newer leader was elected", release: false), .closePresence(nonce: "n1")])
        #expect(election.handle(.tick, now: .milliseconds(310)) == [.openPresence(nonce: "n2")])
        #expect(election.handle(.presenceOpened(nonce: "n2"), now: .milliseconds(320)) == [])
        #expect(election.handle(.tick, now: .milliseconds(1299)) == [])
        #expect(election.handle(.tick, now: .milliseconds(1300)) == [.acquire(nonce: "n2")])
    }

    // F3: only the session connection is dropped (kubernetes#23731).
    @Test func `a lost presence line is opened again under the same nonce, and not in a tight loop`() {
        var (election, _) = Self.leading()
        #expect(
            election.handle(.presenceLost(nonce: "n1"), now: .seconds(2)) == [.openPresence(nonce: "n1")])
        #expect(election.handle(.presenceOpened(nonce: "n1"), now: .milliseconds(2001)) == [])
        #expect(election.handle(.presenceLost(nonce: "n1"), now: .milliseconds(2002)) == [])
        #expect(election.isLeading)
    }

    @Test func `an answer that comes after its term could begin is given back`() {
        var election = Self.election()
        _ = election.handle(.tick, now: .zero)
        _ = election.handle(.presenceOpened(nonce: "n1"), now: .zero)
        let lease = Lease(holder: "a", nonce: "n1", epoch: 5)
        #expect(election.handle(.acquired(lease, sentAt: .zero), now: .seconds(3)) == [.release(lease)])
        #expect(!election.isLeading)
    }

    @Test func `a term that could not be prepared is prepared again while its lease stands`() {
        var election = Self.election()
        let lease = Lease(holder: "a", nonce: "n1", epoch: 5)
        _ = election.handle(.tick, now: .zero)
        _ = election.handle(.presenceOpened(nonce: "n1"), now: .zero)
        _ = election.handle(.acquired(lease, sentAt: .zero), now: .zero)
        #expect(election.handle(.prepareFailed(lease), now: .milliseconds(10)) == [])
        #expect(election.handle(.tick, now: .milliseconds(50)) == [.prepare(lease)])
        #expect(
            election.handle(.tick, now: .milliseconds(2500)) == [.release(lease), .closePresence(nonce: "n1")])
    }

    @Test func `who cannot prepare in time leaves the lock to others, though it could renew`() {
        var election = Self.election()
        let lease = Lease(holder: "a", nonce: "n1", epoch: 5)
        _ = election.handle(.tick, now: .zero)
        _ = election.handle(.presenceOpened(nonce: "n1"), now: .zero)
        _ = election.handle(.acquired(lease, sentAt: .zero), now: .zero)
        for second in 1...14 {
            #expect(election.handle(.tick, now: .seconds(second)).contains(.renew(lease)))
            _ = election.handle(.renewed(lease, sentAt: .seconds(second)), now: .seconds(second))
            _ = election.handle(.prepareFailed(lease), now: .seconds(second))
        }
        #expect(
            election.handle(.tick, now: .seconds(15)) == [.release(lease), .closePresence(nonce: "n1")])
    }

    @Test func `a leader that is asked to stop stops acting and releases the lock at once`() {
        var (election, lease) = Self.leading()
        #expect(
            election.handle(.shutdown, now: .milliseconds(100))
                == [.stepDown(lease, why: "asked to stop", release: true), .closePresence(nonce: "n1")])
        #expect(election.handle(.tick, now: .seconds(9)) == [])
    }
}
