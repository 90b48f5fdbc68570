// A process that runs: the supervisor does the work.

internal import Model

struct ServiceDriver: Driver {
    let machine: Machine

    func observe(_ target: FieldTarget, reader: PathReader) throws(StepError) -> String {
        machine.supervisor.value(ServiceKey(target.instance, target.key.name))
    }

    func apply(_ target: FieldTarget, _ context: StepContext) throws(StepError) {
        guard case .service(let run)? = target.spec else { throw target.mismatch() }
        try machine.supervisor.ensure(ServiceKey(target.instance, target.key.name), run, giveUp: context.giveUp)
    }

    func remove(_ target: FieldTarget, _ context: StepContext) throws(StepError) {
        try machine.supervisor.remove(ServiceKey(target.instance, target.key.name))
    }
}
