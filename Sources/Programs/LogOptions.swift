// How much is logged: an option of the programs that log, which is all but most commands of opsapply.

public import ArgumentParser
public import Logging

public struct LogOptions: ParsableArguments {
    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    public var logLevel: Logger.Level = .info

    public init() {}
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
