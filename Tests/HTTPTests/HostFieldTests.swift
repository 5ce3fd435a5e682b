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
}
