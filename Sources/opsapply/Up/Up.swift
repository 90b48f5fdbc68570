internal import ArgumentParser

struct Up: AsyncParsableCommand {
    func run() async throws {}
}
