import Testing

@testable import EventLoop

@Suite("Paths of Unix-domain sockets")
struct UnixPathTests {
    @Test func `the longest path has 107 bytes, and one more is told with its length`() throws {
        #expect(UnixPath.bytesMax == 107)
        let longest = "/" + String(repeating: "p", count: 106)
        #expect(try UnixPath(longest).description == "unix:\(longest)")
        let error = #expect(throws: UnixPath.Fault.self) { try UnixPath(longest + "p") }
        #expect(error?.description == "the path is 108 bytes long, and that of a Unix-domain socket is 107 at most")
        // In bytes, not characters.
        #expect(throws: UnixPath.Fault.tooLong(109)) { try UnixPath("/" + String(repeating: "ö", count: 54)) }
    }

    @Test(arguments: ["", "gateway.sock", "./gateway.sock", "@gateway", "/", "/run/", "/run/a\0b", "~/gateway.sock"])
    func `anything but the absolute path of a file is refused`(path: String) {
        #expect(throws: UnixPath.Fault.notAbsolute(path)) { try UnixPath(path) }
    }

    @Test(arguments: [("/a", "/"), ("/run/a", "/run"), ("/run//a", "/run/"), ("/run/wsg/control.sock", "/run/wsg")])
    func `its directory is what is before the last slash`(path: String, directory: String) throws {
        #expect(try UnixPath(path).directory == directory)
    }

    @Test func `the C form is the path and a zero`() throws {
        let bytes = try unsafe UnixPath("/run/ä").withSockaddr { address, length in
            unsafe Array(UnsafeRawBufferPointer(start: address, count: Int(length)))
        }
        #expect(bytes.count == 110)
        #expect(bytes[2...9].elementsEqual(Array("/run/ä".utf8) + [0]))
    }
}
