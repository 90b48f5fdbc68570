internal import ArgumentParser
internal import Model
internal import Output
internal import Programs
internal import Store

/// `retry app/webapp | server/x | webapp@server1`: the cause is mended, so do not wait any longer.
struct Retry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Try now what failed, without waiting for the next attempt or round.")

    @OptionGroup var options: StoreOptions

    @Argument(help: "app/webapp, server/server1 or webapp@server1.")
    var name: String

    func run() async throws {
        try await options.withStore { store in
            let ids: [InstanceID]
            switch try await Reference.find(name, in: store) {
            case .instance(let id): ids = [id]
            case .resource(let key):
                ids = try await Fleet.instanceIDs(store).filter {
                    $0.resource == key || key == ResourceKey(.server, $0.server)
                }
            }
            var retried: [InstanceID] = []
            for id in ids where try await store.retry(id) { retried.append(id) }
            for id in retried { Console.out("\(id): its next try no longer waits\n") }
            if retried.isEmpty { Console.note("nothing of \(name.printable) waits to be tried again") }
        }
    }
}
