// What is stored of an instance, as the reconciler takes it in.

package import Model
package import Reconcilers
package import Store

extension ReconcileInput {
    package init(
        _ snapshot: InstanceSnapshot, desired: DesiredInstance?, removal: RemovalAuthority? = nil, gates: Gates
    ) {
        let control = snapshot.control ?? InstanceControl()
        self.init(
            id: snapshot.id, desired: desired, removal: removal, assignment: control.assignment,
            observed: snapshot.observed, openJob: control.openJob, round: control.round.round,
            roundEndedAt: control.round.endedAt, roundError: control.round.error,
            roundGeneration: control.round.generation, drift: control.drift, metDigest: control.metDigest, gates: gates,
            wasRemoving: control.phase == .removing)
    }
}
