// A config entry is nothing on the machine by itself; what was set last is in the agent's ledger.

internal import Model

struct ConfigDriver: Driver {
    let machine: Machine

    func observe(_ target: FieldTarget, reader: PathReader) throws(StepError) -> String {
        machine.ledger.read { $0.config[target.instance]?[target.key.name] } ?? FieldValue.absent
    }

    func apply(_ target: FieldTarget, _ context: StepContext) throws(StepError) {
        guard case .config(let value)? = target.spec else { throw target.mismatch() }
        try set(target, value)
    }

    func remove(_ target: FieldTarget, _ context: StepContext) throws(StepError) {
        try set(target, nil)
    }

    private func set(_ target: FieldTarget, _ value: String?) throws(StepError) {
        guard machine.ledger.read({ $0.config[target.instance]?[target.key.name] }) != value else { return }
        try machine.ledger.append([.config(target.instance, key: target.key.name, value: value)])
    }
}
