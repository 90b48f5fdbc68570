// Who leads: a state machine without clock, network or chance. It is told what happened and when, and answers what to do;
// `Elector` does it.
//
// Guarantees
//  - It says `lead` only for a lease that was acquired after its presence line was open, and after `prepare` (seal every
//    shard, then read the feed to its end) went well.
//  - It says `stepDown` as soon as a write or renewal was refused, and half a second before the lease ends by our own
//    clock if no renewal was answered. A term's end is counted from when its request was *sent*.
//  - After losing the lock it does not try again before `cooldown` has passed.
// Assumptions: the store fences writes; nothing here needs to be right for safety, only for progress.

package import Store

package struct Election: Sendable {
    package enum Input: Sendable {
        case tick
        case presenceOpened(nonce: String)
        case presenceFailed(nonce: String)
        case presenceLost(nonce: String)
        case acquired(Lease, sentAt: Duration)
        /// Somebody else has it, or the store could not be asked.
        case notAcquired(nonce: String)
        case prepared(Lease)
        /// Not applied or not read: it may be tried again as long as the lease stands.
        case prepareFailed(Lease)
        case renewed(Lease, sentAt: Duration)
        case renewFailed(Lease)
        /// A write, the seal or a renewal was refused: there is a newer leader.
        case refused(Lease)
        case shutdown
    }

    package enum Action: Sendable, Hashable {
        case openPresence(nonce: String)
        case closePresence(nonce: String)
        case acquire(nonce: String)
        case prepare(Lease)
        /// Act under this lease until then, or until told otherwise.
        case lead(Lease, until: Duration)
        case extend(Lease, until: Duration)
        case renew(Lease)
        /// `release` where the lock may still be ours: given up after the last word of the term, not before.
        case stepDown(Lease, why: String, release: Bool)
        case release(Lease)
    }

    /// A presence line: opened ahead, so that acquiring is one round trip.
    private enum Line {
        case closed(retryAt: Duration)
        case opening
        case open(since: Duration)
    }

    private struct Standby {
        var line: Line = .closed(retryAt: .zero)
        var attemptSentAt: Duration?
        var nextAttemptAt: Duration = .zero
    }

    private struct Term {
        var lease: Lease
        var until: Duration
        var nextRenewAt: Duration
        /// Who cannot prepare by then leaves the lock to others.
        var prepareBy: Duration
        var renewing = false
        var line: Line
        var isLeading = false
        /// Set when preparing failed: the next tick tries again.
        var prepareAgain = false
    }

    private enum Phase {
        case standby(Standby)
        case term(Term)
        case stopped
    }

    private var phase: Phase = .standby(Standby())
    /// The nonce of the next term, or of this one.
    package private(set) var nonce: String
    private let makeNonce: @Sendable () -> String
    private let configuration: ControllerConfiguration

    package init(configuration: ControllerConfiguration, makeNonce: @escaping @Sendable () -> String) {
        self.configuration = configuration
        self.makeNonce = makeNonce
        nonce = makeNonce()
    }

    package var isLeading: Bool {
        if case .term(let term) = phase { term.isLeading } else { false }
    }

    package mutating func handle(_ input: Input, now: Duration) -> [Action] {
        switch phase {
        case .standby(let standby): handle(input, standby, now)
        case .term(let term): handle(input, term, now)
        case .stopped: handleStopped(input)
        }
    }

    // Standby

    private mutating func handle(_ input: Input, _ old: Standby, _ now: Duration) -> [Action] {
        var standby = old
        switch input {
        case .tick:
            return tick(standby, now)
        case .presenceOpened(let opened) where opened == nonce:
            standby.line = .open(since: now)
        case .presenceFailed(let failed) where failed == nonce, .presenceLost(let failed) where failed == nonce:
            standby.line = .closed(retryAt: now + configuration.presenceRetry)
        case .notAcquired(let asked) where asked == nonce:
            standby.attemptSentAt = nil
        case .acquired(let lease, let sentAt):
            return begin(lease, sentAt: sentAt, standby, now)
        case .presenceOpened(let other):
            return [.closePresence(nonce: other)]
        case .shutdown:
            phase = .stopped
            return [.closePresence(nonce: nonce)]
        default:
            return []
        }
        phase = .standby(standby)
        return standby.attemptSentAt == nil ? tick(standby, now) : []
    }

    private mutating func tick(_ old: Standby, _ now: Duration) -> [Action] {
        var standby = old
        // An attempt without an answer for as long as a lease lasts is given up; a late answer is still understood.
        if let sent = standby.attemptSentAt, now - sent > configuration.leaseTTL { standby.attemptSentAt = nil }
        var actions: [Action] = []
        switch standby.line {
        case .closed(let retryAt) where now >= retryAt:
            standby.line = .opening
            actions = [.openPresence(nonce: nonce)]
        case .open where standby.attemptSentAt == nil && now >= standby.nextAttemptAt:
            standby.attemptSentAt = now
            standby.nextAttemptAt = now + configuration.standbyPoll
            actions = [.acquire(nonce: nonce)]
        default: break
        }
        phase = .standby(standby)
        return actions
    }

    private mutating func begin(_ lease: Lease, sentAt: Duration, _ standby: Standby, _ now: Duration) -> [Action] {
        let until = actUntil(sentAt)
        guard lease.nonce == nonce, until > now else {
            phase = .standby(standby)
            return [.release(lease)]
        }
        phase = .term(
            Term(
                lease: lease, until: until, nextRenewAt: sentAt + configuration.renewEvery,
                prepareBy: sentAt + configuration.prepareWithin, line: standby.line))
        return [.prepare(lease)]
    }

    private func actUntil(_ sentAt: Duration) -> Duration {
        sentAt + configuration.leaseTTL - configuration.stopActingBefore
    }

    // A term

    private mutating func handle(_ input: Input, _ old: Term, _ now: Duration) -> [Action] {
        var term = old
        var actions: [Action] = []
        switch input {
        case .tick:
            return tick(term, now)
        case .prepared(let lease) where lease == term.lease && !term.isLeading:
            guard term.until > now else {
                return stepDown(term, now, release: true, "preparing took longer than the lease")
            }
            term.isLeading = true
            actions = [.lead(lease, until: term.until)]
        case .prepareFailed(let lease) where lease == term.lease:
            term.prepareAgain = true
        case .renewed(let lease, let sentAt) where lease == term.lease:
            // Too late: what was decided since was not written, and only a new term looks at it again.
            guard now < term.until else { return stepDown(term, now, release: true, Self.notRenewed) }
            term.renewing = false
            term.until = max(term.until, actUntil(sentAt))
            if term.isLeading { actions = [.extend(lease, until: term.until)] }
        case .renewFailed(let lease) where lease == term.lease:
            term.renewing = false
        case .refused(let lease) where lease == term.lease:
            return stepDown(term, now, release: false, "a newer leader was elected")
        case .presenceOpened(let opened) where opened == nonce:
            term.line = .open(since: now)
            // While it was gone a standby may have taken over: a renewal finds out.
            term.nextRenewAt = now
        case .presenceFailed(let failed) where failed == nonce:
            term.line = .closed(retryAt: now + configuration.presenceRetry)
        case .presenceLost(let lost) where lost == nonce:
            // At once if it stood for a while: a standby that finds it gone takes over.
            guard case .open(let since) = term.line, now - since > configuration.cooldown else {
                term.line = .closed(retryAt: now + configuration.presenceRetry)
                break
            }
            term.line = .opening
            actions = [.openPresence(nonce: nonce)]
        case .presenceOpened(let other):
            return [.closePresence(nonce: other)]
        case .acquired(let lease, _) where lease != term.lease:
            return lease.nonce == nonce ? [] : [.release(lease)]
        case .shutdown:
            phase = .stopped
            return end(term, why: "asked to stop", release: true) + [.closePresence(nonce: nonce)]
        default:
            return []
        }
        phase = .term(term)
        return actions
    }

    private mutating func tick(_ old: Term, _ now: Duration) -> [Action] {
        var term = old
        guard now < term.until else { return stepDown(term, now, release: true, Self.notRenewed) }
        guard term.isLeading || now < term.prepareBy else {
            return stepDown(term, now, release: true, "preparing took too long")
        }
        var actions: [Action] = []
        if term.prepareAgain {
            term.prepareAgain = false
            actions.append(.prepare(term.lease))
        }
        if !term.renewing, now >= term.nextRenewAt {
            term.renewing = true
            // A failed renewal is repeated sooner than the next regular one.
            term.nextRenewAt = now + configuration.renewEvery
            actions.append(.renew(term.lease))
        }
        if case .closed(let retryAt) = term.line, now >= retryAt {
            term.line = .opening
            actions.append(.openPresence(nonce: nonce))
        }
        phase = .term(term)
        return actions
    }

    private static let notRenewed = "the lease was not renewed in time"

    private func end(_ term: Term, why: String, release: Bool) -> [Action] {
        if term.isLeading { return [.stepDown(term.lease, why: why, release: release)] }
        return release ? [.release(term.lease)] : []
    }

    /// Back to standby with a nonce of its own.
    private mutating func stepDown(_ term: Term, _ now: Duration, release: Bool, _ why: String) -> [Action] {
        let old = nonce
        nonce = makeNonce()
        var standby = Standby()
        standby.nextAttemptAt = now + configuration.cooldown
        phase = .standby(standby)
        return end(term, why: why, release: release) + [.closePresence(nonce: old)]
    }

    // Stopped

    private func handleStopped(_ input: Input) -> [Action] {
        switch input {
        case .acquired(let lease, _): [.release(lease)]
        case .presenceOpened(let nonce): [.closePresence(nonce: nonce)]
        default: []
        }
    }
}
