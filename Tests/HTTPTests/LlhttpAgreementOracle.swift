import Foundation

/// llhttp, the HTTP parser of Node.js, as a judge of requests (Oracle/llhttp.js).
///
/// Flow: bytes → **Llhttp** → Reading
struct Llhttp {
    struct Unavailable: Error, CustomStringConvertible {
        let description: String
    }

    struct Version: Decodable {
        let node: String
        let llhttp: String
    }

    private let node: String
    private static let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Oracle/llhttp.js").path()

    /// `node` is looked for in PATH.
    init(node: String = "node") { self.node = node }

    /// What it makes of each connection, in order, by one process. Its ends of messages are exact where ours are right, and differ where not.
    func read(_ cases: [[UInt8]], ours: [Reading]) async throws -> (version: Version, readings: [Reading]) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "llhttp-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (casesFile, verdictsFile) = (folder.appending(path: "cases"), folder.appending(path: "verdicts"))
        let errorsFile = folder.appending(path: "errors")

        try Data(zip(cases, ours).map(Self.line).joined().utf8).write(to: casesFile)
        try Data().write(to: errorsFile)
        let status = try await run([casesFile.path(), verdictsFile.path()], errors: FileHandle(forWritingTo: errorsFile))
        guard status == 0 else { throw Unavailable(description: explanation(status, try String(contentsOf: errorsFile, encoding: .utf8))) }

        var lines = try Data(contentsOf: verdictsFile).split(separator: UInt8(ascii: "\n"))
        let decoder = JSONDecoder()
        let version = try decoder.decode(Version.self, from: lines.removeFirst())
        guard lines.count == cases.count else { throw Unavailable(description: "node judged \(lines.count) of \(cases.count) cases") }
        return (version, try lines.map { try decoder.decode(Reading.self, from: $0) })
    }

    private static func line(_ bytes: [UInt8], _ ours: Reading) -> String {
        let ends = ours.messages.compactMap(\.end)
        return Data(bytes).base64EncodedString() + " " + ends.flatMap { ["\($0 - 1)", "\($0)"] }.joined(separator: ",") + "\n"
    }

    private func run(_ arguments: [String], errors: FileHandle) async throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [node, "--expose-internals", "--no-warnings", Self.script] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardError = errors
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
                do { try process.run() } catch { continuation.resume(throwing: error) }
            }
        } onCancel: {
            if process.isRunning { process.terminate() }
        }
    }

    /// 127 is env's word for a program that is not there.
    private func explanation(_ status: Int32, _ errors: String) -> String {
        status == 127
            ? "There is no \(node): this test compares our parser with the one of Node.js. Install it (Debian: nodejs), version 18 or later."
            : "\(node) ended with \(status): \(errors)"
    }
}
