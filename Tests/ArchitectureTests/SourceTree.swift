import Foundation

/// One Swift file, as text.
struct SourceFile {
    /// From the package's folder: `Sources/HTTP/RequestHead.swift`.
    let path: String
    let lines: [Substring]

    /// The folder under `Sources`.
    var target: String { String(path.split(separator: "/")[1]) }

    /// The modules it imports, in any spelling: with an access level, an attribute, of one declaration, of a submodule, behind `#if`.
    var imports: [String] {
        lines.compactMap { line in
            var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == ";" })[...]
            while let word = words.first, word.hasPrefix("@") || Self.accessLevels.contains(word) { words = words.dropFirst() }
            guard words.first == "import" else { return nil }
            words = words.dropFirst()
            if let word = words.first, Self.declarations.contains(word) { words = words.dropFirst() }
            return words.first.map { String($0.prefix { $0 != "." }) }
        }
    }

    private static let accessLevels: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
    private static let declarations: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
}

/// The package this test belongs to.
enum SourceTree {
    /// Tests/ArchitectureTests/SourceTree.swift, and up.
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func files(under folder: String) throws -> [SourceFile] {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path())
        return try paths.filter { $0.hasSuffix(".swift") }.sorted().map { path in
            SourceFile(path: "\(folder)/\(path)", lines: try lines(of: "\(folder)/\(path)"))
        }
    }

    static func folders(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path()).filter { !$0.hasPrefix(".") }.sorted()
    }

    static func read(_ path: String) throws -> String { try String(contentsOf: root.appending(path: path), encoding: .utf8) }

    private static func lines(of path: String) throws -> [Substring] {
        var lines = try read(path).split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}
