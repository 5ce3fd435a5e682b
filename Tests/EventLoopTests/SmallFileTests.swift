import EventLoop
import Glibc
import Testing

@Suite("Small files")
struct SmallFileTests {
    /// A path of this test's own, removed afterwards.
    private func withPath(_ body: (String) throws -> Void) rethrows {
        let path = "/tmp/wsg-small-file-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        defer { SmallFile.remove(path) }
        try body(path)
    }

    @Test(arguments: [0, 1, 4096, 100_000])
    func `what was written is read`(count: Int) throws {
        try withPath { path in
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            try SmallFile.replace(path, with: bytes)
            #expect(try SmallFile.read(path, bytesMax: 100_000) == bytes)
        }
    }

    @Test func `a file as long as allowed is read, a longer one refused`() throws {
        try withPath { path in
            try SmallFile.replace(path, with: [1, 2, 3])
            #expect(try SmallFile.read(path, bytesMax: 3) == [1, 2, 3])
            let error = #expect(throws: SystemError.self) { try SmallFile.read(path, bytesMax: 2) }
            #expect(error?.errno == EFBIG)
            #expect(error?.description.contains(path) == true)
        }
    }

    @Test func `replacing leaves the new content and nothing beside it`() throws {
        try withPath { path in
            try SmallFile.replace(path, with: [1, 2, 3])
            try SmallFile.replace(path, with: [4])
            #expect(try SmallFile.read(path, bytesMax: 10) == [4])
            #expect(throws: SystemError.self) { try SmallFile.read("\(path).\(ProcessResources.processID).new", bytesMax: 10) }
        }
    }

    @Test func `what is not there, or no file, is refused by name`() {
        let missing = #expect(throws: SystemError.self) { try SmallFile.read("/nonexistent/file", bytesMax: 10) }
        #expect(missing?.errno == ENOENT)
        #expect(missing?.description.contains("/nonexistent/file") == true)
        let folder = #expect(throws: SystemError.self) { try SmallFile.read("/tmp", bytesMax: 10) }
        #expect(folder?.errno == EISDIR)
        let unwritable = #expect(throws: SystemError.self) { try SmallFile.replace("/nonexistent/file", with: []) }
        #expect(unwritable?.errno == ENOENT)
    }

    @Test func `a target that cannot be replaced leaves no temporary file`() {
        // A folder that is not empty cannot be renamed over.
        let error = #expect(throws: SystemError.self) { try SmallFile.replace("/tmp", with: [1]) }
        #expect(error != nil)
        #expect(throws: SystemError.self) { try SmallFile.read("/tmp.\(ProcessResources.processID).new", bytesMax: 10) }
    }
}
