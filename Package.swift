// swift-tools-version: 6.1
// The house: one target per room, arrows only downwards (docs/architecture.md). `scripts/check-layers` holds the
// sources to the list below; `Benchmarks/` is a package of its own, so that the root stays light.

import PackageDescription

let package = Package(
    name: "redops",
    products: [
        .executable(name: "opsapply", targets: ["opsapply"]),
        .executable(name: "opscontroller", targets: ["opscontroller"]),
        .executable(name: "opsagent", targets: ["opsagent"]),
        .library(name: "RedOps", targets: ["Controller", "Agent", "RedisStore", "Reconcilers", "Store", "Manifests"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    ],
    targets: [
        // 0 · system libraries
        .systemLibrary(name: "CJansson", providers: [.apt(["libjansson-dev"])]),
        .target(name: "CHiredis", linkerSettings: [.linkedLibrary("hiredis")]),
        .target(name: "CCurl"),
        .target(name: "CLinux"),
        // 1 · nouns, JSON, connections
        .target(name: "Model"),
        .target(name: "Calendar", dependencies: ["Model"]),
        .target(name: "JSON", dependencies: ["CJansson"]),
        .target(
            name: "Redis",
            dependencies: [
                "CHiredis",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "DequeModule", package: "swift-collections"),
            ]),
        // 2 · pure planning; protocols and their executable specification; manifests
        .target(
            name: "Reconcilers",
            dependencies: [
                "Model", "Calendar",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .target(
            name: "Store",
            dependencies: [
                "Model",
                .product(name: "DequeModule", package: "swift-collections"),
            ]),
        .target(
            name: "Manifests",
            dependencies: [
                "Model", "JSON", "Calendar",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        // 3 · the store on Redis
        .target(
            name: "RedisStore",
            dependencies: ["Model", "JSON", "Redis", "Store", "Manifests"],
            resources: [.embedInCode("Scripts")]),
        // 4 · services
        .target(
            name: "Controller",
            dependencies: [
                "Model", "JSON", "Calendar", "Reconcilers", "Store", "Manifests",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ]),
        .target(
            name: "Agent",
            dependencies: [
                "Model", "JSON", "Store", "Reconcilers", "Manifests", "CCurl", "CLinux",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        // what people are shown: tables, diffs, reports (pure text)
        .target(name: "Output", dependencies: ["Model", "JSON", "Calendar", "Manifests", "Reconcilers", "Store"]),
        // 5 · programs, and what they share
        .target(
            name: "Programs",
            dependencies: [
                "Model", "Redis",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .executableTarget(
            name: "opsapply",
            dependencies: [
                "Model", "JSON", "Calendar", "Manifests", "Reconcilers", "Store", "RedisStore", "Redis", "Output",
                "CLinux",
                "Programs",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .executableTarget(
            name: "opscontroller",
            dependencies: [
                "Controller", "Redis", "RedisStore", "Store", "Model", "Programs",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        .executableTarget(
            name: "opsagent",
            dependencies: [
                "Agent", "Redis", "RedisStore", "Store", "Model", "Programs",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        // tests mirror the sources
        .testTarget(name: "ModelTests", dependencies: ["Model"]),
        .testTarget(name: "CalendarTests", dependencies: ["Calendar", "Model", "TestSeeds"], exclude: ["Fixtures"]),
        .testTarget(name: "JSONTests", dependencies: ["JSON", "CJansson", "TestSeeds"]),
        .testTarget(name: "RedisTests", dependencies: ["Redis", "TestRedis", "TestSeeds"]),
        .testTarget(
            name: "ReconcilersTests",
            dependencies: ["Reconcilers", "Model", "Calendar", "ScheduleSimulation", "TestSeeds"],
            exclude: ["Scenarios"]),
        .testTarget(
            name: "ManifestsTests", dependencies: ["Manifests", "Model", "JSON", "Calendar", "TestSeeds"],
            exclude: ["Fixtures"]),
        .testTarget(
            name: "OutputTests",
            dependencies: ["Output", "Model", "JSON", "Calendar", "Manifests", "Reconcilers", "Store", "TestSeeds"]),
        .testTarget(
            name: "StoreTests", dependencies: ["Store", "RedisStore", "Redis", "Model", "TestRedis", "TestSeeds"]),
        .testTarget(
            name: "ControllerTests",
            dependencies: [
                "Controller", "Store", "Redis", "RedisStore", "Model", "Manifests", "Reconcilers", "TestRedis",
                "TestSeeds",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(
            name: "AgentTests",
            dependencies: ["Agent", "CLinux", "Reconcilers", "Store", "Redis", "RedisStore", "Model", "TestRedis"]),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "Model", "JSON", "Store", "RedisStore", "TestRedis", "opsapply", "opscontroller", "opsagent",
            ]),
        // a private redis-server per suite, on a unix socket
        .target(name: "TestRedis", path: "Tests/TestRedis"),
        // chance that can be replayed
        .target(name: "TestSeeds", path: "Tests/TestSeeds"),
        // ten years of schedules, for a test and for a benchmark
        .target(
            name: "ScheduleSimulation", dependencies: ["Reconcilers", "Model", "Calendar", "TestSeeds"],
            path: "Tests/ScheduleSimulation"),
    ],
    swiftLanguageModes: [.v6]
)

let unsafeModules: Set<String> = ["JSON", "Redis"]
for target in package.targets where !target.name.hasPrefix("C") || target.name.hasPrefix("Controller") {
    if target.type == .system { continue }
    var settings: [SwiftSetting] = [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ]
    if unsafeModules.contains(target.name) { settings.append(.unsafeFlags(["-strict-memory-safety"])) }
    target.swiftSettings = (target.swiftSettings ?? []) + settings
}
