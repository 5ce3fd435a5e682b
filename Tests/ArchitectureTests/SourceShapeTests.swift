import Testing

@Suite("The shape of the sources")
struct SourceShapeTests {
    private let sources: [SourceFile]

    init() throws { sources = try SourceTree.files(under: "Sources") }

    @Test func `only the event loop says uv`() {
        for file in sources where file.target != "EventLoop" {
            for (number, line) in file.lines.enumerated() where line.contains("uv_") {
                Issue.record("\(file.path):\(number + 1) says uv_: \(line)")
            }
        }
    }

    @Test func `no file is a drawer for odds and ends`() {
        let drawers = ["util", "helper", "common", "misc", "shared"]
        for file in sources {
            let path = file.path.lowercased()
            #expect(!drawers.contains { path.contains($0) }, "\(file.path)")
        }
    }

    @Test func `no file has more than 400 lines`() {
        for file in sources { #expect(file.lines.count <= 400, "\(file.path) has \(file.lines.count) lines") }
    }

    @Test func `no line is a note to self`() {
        for file in sources {
            for (number, line) in file.lines.enumerated() where line.contains("TODO") || line.contains("FIXME") || line.contains("XXX") {
                Issue.record("\(file.path):\(number + 1): \(line)")
            }
        }
    }
}
