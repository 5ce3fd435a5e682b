// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours is built alike: Swift 6, strict concurrency, strict memory safety, no warning survives.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "websocket-gateway",
    platforms: [.macOS(.v26)],
    products: [
        .library(name: "WebSocketGateway", targets: ["WebSocketGateway"]),
        .executable(name: "websocket-gateway", targets: ["websocket-gateway"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    ],
    targets: [
        // C: system modules and the shims that Swift cannot spell.
        .systemLibrary(name: "CLibuv", path: "CSupport/CLibuv", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"]), .brew(["libuv"])]),
        .systemLibrary(name: "CZlib", path: "CSupport/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(
            name: "CSQLite", path: "CSupport/CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
        .systemLibrary(
            name: "COpenSSL", path: "CSupport/COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"]), .brew(["openssl"])]),
        .systemLibrary(
            name: "CCurl", path: "CSupport/CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),
        .target(name: "CWebSocket", path: "CSupport/CWebSocket", linkerSettings: [.linkedLibrary("crypto")]),

        // Imports point down only; Tests/ArchitectureTests holds the matrix.
        .target(name: "EventLoop", dependencies: ["CLibuv"], swiftSettings: strict),
        .target(name: "OpenSSL", dependencies: ["COpenSSL"], swiftSettings: strict),
        .target(name: "Curl", dependencies: ["CCurl"], swiftSettings: strict),
        .target(name: "HTTP", swiftSettings: strict),
        .target(name: "WebSocket", dependencies: ["HTTP", "CWebSocket", "CZlib"], swiftSettings: strict),
        .target(name: "Sessions", swiftSettings: strict),
        .target(name: "HistoryStore", dependencies: ["Sessions", "CSQLite"], swiftSettings: strict),
        .target(
            name: "WebSocketGateway",
            dependencies: ["EventLoop", "HTTP", "WebSocket", "Sessions", "HistoryStore", "OpenSSL", "Curl", log],
            swiftSettings: strict),
        .executableTarget(
            name: "websocket-gateway",
            dependencies: ["WebSocketGateway", "EventLoop", "HTTP", "WebSocket", "Sessions", "OpenSSL", log, arguments],
            swiftSettings: strict),
        .executableTarget(
            name: "BacktestExample", dependencies: ["WebSocketGateway", log], path: "Examples/BacktestExample", swiftSettings: strict),

        .testTarget(name: "EventLoopTests", dependencies: ["EventLoop"], swiftSettings: strict),
        .testTarget(name: "OpenSSLTests", dependencies: ["OpenSSL"], swiftSettings: strict),
        .testTarget(name: "CurlTests", dependencies: ["Curl", "EventLoop"], swiftSettings: strict),
        .testTarget(name: "HTTPTests", dependencies: ["HTTP"], exclude: ["Oracle"], swiftSettings: strict),
        .testTarget(name: "WebSocketTests", dependencies: ["WebSocket", "HTTP", "CWebSocket"], swiftSettings: strict),
        .testTarget(name: "SessionsTests", dependencies: ["Sessions"], swiftSettings: strict),
        // A layer below SQLite that fails when told, and cuts the power.
        .target(name: "CFaultVFS", path: "Tests/Support/CFaultVFS", linkerSettings: [.linkedLibrary("sqlite3")]),
        .testTarget(name: "HistoryStoreTests", dependencies: ["HistoryStore", "Sessions", "CSQLite", "CFaultVFS"], swiftSettings: strict),
        .testTarget(
            name: "WebSocketGatewayTests",
            dependencies: ["WebSocketGateway", "EventLoop", "HTTP", "WebSocket", "Sessions", "OpenSSL", "Curl", log],
            swiftSettings: strict),
        .testTarget(
            name: "CommandTests",
            dependencies: ["websocket-gateway", "WebSocketGateway", "EventLoop", "HTTP", "WebSocket", "Sessions", arguments],
            swiftSettings: strict),
        .testTarget(name: "ArchitectureTests", swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
