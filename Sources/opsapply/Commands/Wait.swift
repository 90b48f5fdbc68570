internal import ArgumentParser
internal import JSON
internal import Model
internal import Output
internal import Programs
internal import Store

/// `wait --for Ready app/webapp`.
struct Wait: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Wait until resources have a condition; exit code 3 when the time is over.")

    @OptionGroup var options: StoreOptions

    @Option(name: .customLong("for"), help: "Ready, Progressing, Drifted, Degraded, Suspended or Stale.")
    var condition: AwaitedCondition = .init(kind: .ready)

    @Option(help: "How long at most: 30s, 5m.")
    var timeout = Span(.seconds(300))

    @Option(name: .shortAndLong, help: "table or json: where json, one document at the end.")
    var output: DocumentFormat = .table

    @Argument(help: "Resources, such as app/webapp.")
    var resources: [String]

    func run() async throws {
        try await options.withStore { store in
            var targets: [WaitTarget] = []
            for text in resources {
                if let at = text.firstIndex(of: "@") {
                    throw CommandFailure(
                        "\(text.printable): wait is for resources, not for single instances: wait for "
                            + "app/\(String(text[..<at]).printable)")
                }
                let key = try await Reference.findResource(text, in: store)
                guard key.kind.hasInstances || condition.kind == .ready else {
                    throw CommandFailure(
                        "\(key) is Ready at once and has no other condition: there is nothing to wait for")
                }
                let generation = try await store.resource(key)?.generation ?? 0
                targets.append(WaitTarget(key: key, generation: generation, condition: condition.kind))
            }
            let result: Result<Void, any Error>
            do {
                result = .success(try await Waiting(store: store, targets: targets).run(timeout: timeout.duration))
            } catch let failure as CommandFailure where failure.exitCode == CommandFailure.timedOut {
                result = .failure(failure)
            }
            if output == .json { Console.out(try await document(targets, store)) }
            try result.get()
        }
    }

    /// How each of them stands now.
    private func document(_ targets: [WaitTarget], _ store: any OperationsStore) async throws -> JSONValue {
        var resources: [JSONValue] = []
        for target in targets {
            let status = try await store.status(target.key)
            resources.append([
                "resource": .string(target.key.description), "condition": .string(target.condition.rawValue),
                "generation": .int(target.generation), "met": .bool(target.isMet(by: status)),
                "message": .string(target.progress(status)),
            ])
        }
        return ["resources": .array(resources)]
    }
}

/// A condition's name as an argument.
struct AwaitedCondition: ExpressibleByArgument {
    let kind: Condition.Kind

    init(kind: Condition.Kind) {
        self.kind = kind
    }

    init?(argument: String) {
        guard let kind = Condition.Kind.allCases.first(where: { $0.rawValue.lowercased() == argument.lowercased() })
        else { return nil }
        self.kind = kind
    }

    var defaultValueDescription: String { kind.rawValue }

    static let allValueStrings = Condition.Kind.allCases.map(\.rawValue)
}
