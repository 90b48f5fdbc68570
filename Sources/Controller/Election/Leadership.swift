// The lease under which this replica may act at this moment, readable from any task without waiting for anybody.

package import Store
import Synchronization

package final class Leadership: Sendable {
    private struct Term {
        var lease: Lease
        var until: Duration
        /// How often it was begun or extended.
        var renewals = 0
    }

    private let term = Mutex<Term?>(nil)
    private let refusals = Mutex<(@Sendable (Lease) -> Void)?>(nil)

    package init() {}

    /// A write under this lease was refused: no more is done under it from this moment on.
    package func refused(_ lease: Lease) {
        term.withLock { if $0?.lease == lease { $0 = nil } }
        let handler = refusals.withLock { $0 }
        handler?(lease)
    }

    /// Who is told of refusals.
    func onRefused(_ handler: @escaping @Sendable (Lease) -> Void) {
        refusals.withLock { $0 = handler }
    }

    /// The lease, as long as our own clock says that it may be acted under.
    package func lease(at now: Duration) -> Lease? {
        term.withLock { term in
            guard let term, now < term.until else { return nil }
            return term.lease
        }
    }

    /// The lease as of the last turn, whether or not its time is over.
    package var currentLease: Lease? { term.withLock { $0?.lease } }

    /// How often this term was renewed; 0 outside of a term.
    var renewals: Int { term.withLock { $0?.renewals ?? 0 } }

    func begin(_ lease: Lease, until: Duration) {
        term.withLock { $0 = Term(lease: lease, until: until) }
    }

    func extend(_ lease: Lease, until: Duration) {
        term.withLock { term in
            guard term?.lease == lease else { return }
            term?.until = until
            term?.renewals += 1
        }
    }

    func end() {
        term.withLock { $0 = nil }
    }
}
