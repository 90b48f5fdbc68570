// What the watcher heard, and services that ended by themselves.

internal import Logging
internal import Model

extension Observer {
    func watchChanges() async {
        for await _ in watcher.changes {
            let changes = watcher.takeChanges()
            if changes.overflow { await look(at: table.instances) } else { await look(atPaths: changes.paths) }
        }
    }

    /// Apart from changes: a look that takes its time keeps no service from being started again.
    func watchEnds() async {
        await withDiscardingTaskGroup { group in
            for await _ in watcher.ends {
                for key in watcher.takeEnded().sorted() { serviceEnded(key, &group) }
            }
        }
    }

    private func look(atPaths paths: Set<String>) async {
        for id in table.instances {
            let keys = Set(table.targets(of: id).map(\.key).filter { isOf($0, paths) })
            if !keys.isEmpty { await look(at: keys, of: id) }
        }
        reporter.wake()
    }

    private func isOf(_ key: FieldKey, _ paths: Set<String>) -> Bool {
        switch key.kind {
        case .file, .directory: paths.contains(key.name)
        case .package: paths.contains(DpkgStatus.path)
        default: false
        }
    }

    /// Says at once that it ended, and starts it again, at first without a wait.
    private func serviceEnded(_ key: ServiceKey, _ group: inout DiscardingTaskGroup) {
        guard let (value, wait) = machine.supervisor.noteEnd(key) else {
            if machine.supervisor.isNeglected(key, at: .now) {
                group.addTask { await self.startAgain(key, after: .zero) }
            }
            return
        }
        table.pass(value, for: key.field, of: key.instance)
        table.doubtHealth(of: key.instance)
        reporter.wake()
        hurryChecks(of: key.instance)
        log.warning(
            "a service ended by itself",
            metadata: ["service": "\(key)", "how": "\(value)", "startedAgainAfter": "\(wait)"])
        group.addTask { await self.startAgain(key, after: wait) }
    }

    /// Starts services whose process was gone when this agent began.
    package func startAgain(_ key: ServiceKey, after wait: Duration) async {
        var next: Duration? = wait
        var said: String?
        while let wait = next, !Task.isCancelled {
            if wait > .zero { try? await Task.sleep(for: wait) }
            guard !Task.isCancelled else { return }
            let spec = machine.supervisor.record(key)?.run.spec
            // Looked at now: who breaks a file and kills its service is not to have both times of it.
            let files = (spec?.restartOn ?? []) + (spec?.reloadOn ?? [])
            if !files.isEmpty { await look(at: Set(files), of: key.instance) }
            let inSync = table.isInSync(files, in: key.instance)
            let problem =
                await hands.runUnlessCancelled { [machine] in
                    machine.supervisor.restart(key, inSync: inSync)
                } ?? nil
            next = problem?.wait
            if let why = problem?.why, why != said {
                said = why
                log.error("a service cannot be started again", metadata: ["service": "\(key)", "reason": "\(why)"])
            }
            await look(at: [key.field], of: key.instance)
            reporter.wake()
            hurryChecks(of: key.instance)
        }
    }
}
