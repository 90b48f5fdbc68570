// swift-tools-version: 6.1
// What we hold ourselves to, measured (`scripts/bench`). A package of its own, so that the root stays light. It builds the
// rooms of the house that it measures from their own sources (`House`, `TestRedis`, `TestSeeds` and `ScheduleSimulation` are links),
// because most of what is worth measuring is `package`, and no other package may see that.

import PackageDescription

let package = Package(
    name: "redops-benchmarks",
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    ],
    targets: [
        .systemLibrary(name: "CJansson", path: "House/CJansson"),
        .target(name: "CHiredis", path: "House/CHiredis", linkerSettings: [.linkedLibrary("hiredis")]),
        .target(name: "Model", path: "House/Model"),
        .target(name: "Calendar", dependencies: ["Model"], path: "House/Calendar"),
        .target(name: "JSON", dependencies: ["CJansson"], path: "House/JSON"),
        .target(
            name: "Redis",
            dependencies: [
                "CHiredis",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            path: "House/Redis"),
        .target(
            name: "Reconcilers",
            dependencies: ["Model", "Calendar", .product(name: "Crypto", package: "swift-crypto")],
            path: "House/Reconcilers"),
        .target(
            name: "Store",
            dependencies: ["Model", .product(name: "DequeModule", package: "swift-collections")],
            path: "House/Store"),
        .target(
            name: "Manifests",
            dependencies: ["Model", "JSON", "Calendar", .product(name: "Crypto", package: "swift-crypto")],
            path: "House/Manifests"),
        .target(
            name: "RedisStore", dependencies: ["Model", "JSON", "Redis", "Store", "Manifests"],
            path: "House/RedisStore", resources: [.embedInCode("Scripts")]),
        .target(
            name: "Controller",
            dependencies: [
                "Model", "JSON", "Calendar", "Reconcilers", "Store", "Manifests",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ],
            path: "House/Controller"),
        .target(name: "CCurl", path: "House/CCurl"),
        .target(name: "CLinux", path: "House/CLinux"),
        .target(
            name: "Agent",
            dependencies: [
                "Model", "JSON", "Store", "Reconcilers", "Manifests", "CCurl", "CLinux",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            path: "House/Agent"),
        .target(name: "TestRedis", path: "TestRedis", exclude: ["PrivateRedisTrait.swift"]),
        .target(
            name: "ScheduleSimulation", dependencies: ["Reconcilers", "Model", "Calendar", "TestSeeds"],
            path: "ScheduleSimulation"),
        .target(name: "TestSeeds", path: "TestSeeds"),
        .executableTarget(
            name: "bench",
            dependencies: [
                "Model", "Calendar", "Reconcilers", "Store", "Manifests", "Redis", "RedisStore", "Controller", "Agent",
                "TestRedis", "ScheduleSimulation",
                .product(name: "Logging", package: "swift-log"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)

let other: Set<String> = ["CHiredis", "CCurl", "CLinux"]
for target in package.targets where target.type != .system && !other.contains(target.name) {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ]
}
