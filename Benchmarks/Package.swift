// swift-tools-version: 6.2
import PackageDescription

// What measures the gateway, apart from it: nothing here is built by whoever builds or depends on the gateway.
//
// What is measured is neither public nor meant to be, and `package` ends at a package's border. So the gateway's folders stand in Sources
// as links, and are compiled again as targets of this package, with the settings of ../Package.swift. The one of WebSocketGateway is linked
// into the executable's folder: most of it is internal, and `@testable` would have it compiled in another way than the gateway is.

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "benchmarks",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0")
    ],
    targets: [
        .systemLibrary(name: "CLibuv", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"]), .brew(["libuv"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"]), .brew(["openssl"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),
        .target(name: "CWebSocket", linkerSettings: [.linkedLibrary("crypto")]),
        .target(name: "EventLoop", dependencies: ["CLibuv"], swiftSettings: strict),
        .target(name: "OpenSSL", dependencies: ["COpenSSL"], swiftSettings: strict),
        .target(name: "Curl", dependencies: ["CCurl"], swiftSettings: strict),
        .target(name: "HTTP", swiftSettings: strict),
        .target(name: "WebSocket", dependencies: ["HTTP", "CWebSocket", "CZlib"], swiftSettings: strict),
        .target(name: "Sessions", swiftSettings: strict),
        .target(name: "HistoryStore", dependencies: ["Sessions", "CSQLite"], swiftSettings: strict),

        // The least that a server can do for the same work; who connects and speaks to a server in other ways than `load` does.
        .executableTarget(name: "floor", linkerSettings: [.linkedLibrary("crypto")]),
        .executableTarget(name: "probe"),
        // Publishes durable events, to the gateway and to Redis: Benchmarks/durable.
        .executableTarget(name: "pipeliner"),

        // What one operation costs: nanoseconds, allocations, instructions.
        .target(name: "micromeasure"),
        .executableTarget(
            name: "microbenchmarks",
            dependencies: [
                "EventLoop", "HTTP", "WebSocket", "Sessions", "HistoryStore", "OpenSSL", "Curl", "micromeasure",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
