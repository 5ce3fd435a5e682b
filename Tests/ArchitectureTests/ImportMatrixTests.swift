import Testing

@Suite("Who may import whom")
struct ImportMatrixTests {
    /// Imports point down only. A target not in here fails the test: its place is decided first, and written here.
    private static let matrix: [String: Set<String>] = [
        "EventLoop": ["CLibuv"],
        "HTTP": [],
        "WebSocket": ["HTTP", "CWebSocket", "CZlib"],
        "Sessions": [],
        "HistoryStore": ["Sessions", "CSQLite"],
        "OpenSSL": ["COpenSSL"],
        "Curl": ["CCurl"],
        "WebSocketGateway": ["EventLoop", "HTTP", "WebSocket", "Sessions", "HistoryStore", "OpenSSL", "Curl", "Logging"],
        "websocket-gateway": ["WebSocketGateway", "EventLoop", "HTTP", "WebSocket", "Sessions", "OpenSSL", "Logging", "ArgumentParser"],
    ]
    /// Part of the language.
    private static let language: Set<String> = ["Swift", "Synchronization"]

    private let sources: [SourceFile]

    init() throws { sources = try SourceTree.files(under: "Sources") }

    @Test func `the sources were found`() {
        #expect(sources.count > 50)
        #expect(Set(sources.map(\.target)).isSuperset(of: ["EventLoop", "HTTP", "Sessions"]))
    }

    @Test func `every target has its place`() throws {
        let folders = try SourceTree.folders(in: "Sources")
        #expect(Set(folders) == Set(Self.matrix.keys), "a new target: decide what it may import, and say so here")
    }

    @Test(arguments: matrix.keys.sorted())
    func `a target imports what it may and nothing else`(target: String) {
        let allowed = Self.matrix[target, default: []].union(Self.language)
        for file in sources where file.target == target {
            let wrong = file.imports.filter { !allowed.contains($0) }
            #expect(wrong.isEmpty, "\(file.path) imports \(wrong)")
        }
    }

    @Test func `nothing imports Foundation, nor the C library by name`() {
        let unwanted: Set<String> = ["Foundation", "FoundationEssentials", "Dispatch", "Glibc", "Musl", "Darwin"]
        for file in sources {
            #expect(unwanted.isDisjoint(with: file.imports), "\(file.path)")
        }
    }

    @Test(arguments: [
        ("CLibuv", "EventLoop"), ("CWebSocket", "WebSocket"), ("CZlib", "WebSocket"), ("CSQLite", "HistoryStore"), ("COpenSSL", "OpenSSL"),
        ("CCurl", "Curl"),
    ])
    func `a C module has one importer`(module: String, owner: String) {
        let importers = Set(sources.filter { $0.imports.contains(module) }.map(\.target))
        #expect(importers == [owner])
    }

    @Test func `the manifest's targets are the folders`() throws {
        let manifest = try SourceTree.read("Package.swift")
        for folder in try SourceTree.folders(in: "Sources") { #expect(manifest.contains("name: \"\(folder)\"")) }
        #expect(!manifest.contains("unsafeFlags"))
    }
}
