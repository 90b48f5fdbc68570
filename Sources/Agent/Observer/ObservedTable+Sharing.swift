// What one server's instances share: a package, a folder or a file can be asked for by more than one of them.

package import Model
internal import Synchronization

extension ObservedTable {
    /// Whether the instance is on its way out.
    package func setLeaving(_ isLeaving: Bool, of id: InstanceID) {
        // Only who begins to leave can take away what somebody is just given.
        let begins = entries.withLock { entries in
            guard isLeaving, entries[id]?.isLeaving == false else {
                entries[id]?.isLeaving = isLeaving
                return false
            }
            return true
        }
        guard begins else { return }
        handing.withLock { _ in entries.withLock { $0[id]?.isLeaving = isLeaving } }
    }

    /// Gives the body another instance on this server that is asked to have the field and stays, if there is one. As long
    /// as the body runs, it does not begin to leave.
    func withOtherHolder(
        of key: FieldKey, than id: InstanceID, _ body: (InstanceID) throws(StepError) -> Void
    ) throws(StepError) -> InstanceID? {
        try handing.withLock { _ throws(StepError) in
            let other = otherHolder(of: key, than: id)
            if let other { try body(other) }
            return other
        }
    }

    func otherHolder(of key: FieldKey, than id: InstanceID) -> InstanceID? {
        entries.withLock { entries in entries.filter { $0.key != id && $0.value.holds(key) }.keys.min() }
    }

    /// Packages that an instance wants absent, or had made and wants no more, and that nobody else here wants.
    package func packagesToGo(of id: InstanceID, made: [FieldKey], isRemoval: Bool) -> Set<String> {
        entries.withLock { entries in
            let specs = isRemoval ? [:] : entries[id]?.specs ?? [:]
            let absent = specs.filter { $0.value == .package(.absent) }.map(\.key)
            let toGo = (absent + made.filter { specs[$0] == nil }).filter { key in
                !entries.contains { $0.key != id && $0.value.holds(key) }
            }
            return Set(toGo.map(\.name))
        }
    }

    /// Others that want the field so that nothing could be right for them and for this instance.
    func rivals(of id: InstanceID, over key: FieldKey) -> [(id: InstanceID, expectation: Expectation)] {
        entries.withLock { entries in
            guard let own = entries[id]?.expectation(of: key) else { return [] }
            return entries.filter { $0.key != id }.compactMap { other, entry in
                guard let expectation = entry.expectation(of: key), expectation.excludes(own) else { return nil }
                return (other, expectation)
            }.sorted { $0.id < $1.id }
        }
    }
}

extension ObservedTable.Entry {
    /// Whether the field is to be there for this instance.
    fileprivate func holds(_ key: FieldKey) -> Bool {
        if isLeaving { return false }
        return specs[key].map { $0 != .package(.absent) } ?? false
    }

    fileprivate func expectation(of key: FieldKey) -> Expectation? {
        guard !isLeaving, specs[key] != nil else { return nil }
        return assignment.fields.first { $0.key == key }?.expectation
    }
}
