import EventLoop
import Glibc
import Testing

@Suite("Folders")
struct FolderTests {
    @Test func `what lies in a folder is named`() throws {
        let folder = "/tmp/wsg-folder-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        #expect(unsafe mkdir(folder, 0o700) == 0)
        defer { unsafe rmdir(folder) }
        #expect(try Folder.names(folder) == [])
        let names = (0..<100).map { "file-\($0)" }
        for name in names { try SmallFile.replace("\(folder)/\(name)", with: []) }
        #expect(try Folder.names(folder).sorted() == names.sorted())
        for name in names { SmallFile.remove("\(folder)/\(name)") }
    }

    @Test func `what is not there, or no folder, is refused by name`() {
        let missing = #expect(throws: SystemError.self) { try Folder.names("/nonexistent/folder") }
        #expect(missing?.errno == ENOENT)
        #expect(missing?.description.contains("/nonexistent/folder") == true)
        let file = #expect(throws: SystemError.self) { try Folder.names("/dev/null") }
        #expect(file?.errno == ENOTDIR)
    }
}
