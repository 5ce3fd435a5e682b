import Testing

@testable import HTTP

struct HostFieldTests {
    @Test(arguments: [
        "a", "example.com", "example.com:80", "example.com:", "127.0.0.1:65535", "[::1]", "[::1]:8080", "[::ffff:1.2.3.4]",
        "my_service-1.local", "a~!$&'()*+,;=b",
    ])
    func `a host with or without a port is taken`(host: String) throws {
        try HostField.check([UInt8](host.utf8).span)
    }

    @Test(arguments: [
        "", ":80", "a:b", "a:80:80", "a:123456", "a:-1", "a b", "a/b", "u@a", "a%41", "a?b", "a#b", "[", "[]", "[]:80", "[::1", "::1",
        "[::1]x", "[::1]80",
        "[::g]", "[fe80::1%25eth0]", "é", "a\"b", "http://a", "a\\b", "[[::1]]",
    ])
    func `another host is refused`(host: String) {
        #expect(throws: HTTPViolation.hostMalformed) { try HostField.check([UInt8](host.utf8).span) }
    }

    @Test(arguments: [
        "127.0.0.1", "127.0.0.1:8081", "0.0.0.0", "255.255.255.255:1", "10.20.30.40:", "[::1]:8081", "localhost", "LocalHost:80",
    ])
    func `a number, and localhost, is no name that could be made to resolve`(host: String) {
        let bytes = [UInt8](host.utf8)
        let isTaken = HostField.isNumericOrLocal(bytes.span)
        #expect(isTaken)
    }

    @Test(arguments: [
        "", "example.com", "127.0.0.1.example", "127.0.0", "127.0.0.1.1", "127.0.0.256", "127.0.0.01", "127.0.0.1x", ".127.0.0.1",
        "127..0.1",
        "127.0.0.", "1e3.0.0.1", "localhost.example", "localhos", ":80", "0x7f.0.0.1", "2130706433", "99999999999999999999.0.0.1",
    ])
    func `any other text may be a name`(host: String) {
        let bytes = [UInt8](host.utf8)
        let isTaken = HostField.isNumericOrLocal(bytes.span)
        #expect(!isTaken)
    }
}
