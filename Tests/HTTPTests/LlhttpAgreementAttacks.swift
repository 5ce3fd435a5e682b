/// Whole requests with which one parser was made to read something else than another, or to break; Latin-1. We refuse every one of them.
struct Attack: CustomStringConvertible {
    /// The trick, and where it is known from: each of these got by a server that many trusted.
    let description: String
    let request: String

    private init(_ description: String, _ request: String) {
        self.description = description
        self.request = request
    }

    static let all = lines + lengths + codings + chunks

    private static let smuggled = "GET /smuggled HTTP/1.1\r\nHost: b\r\n\r\n"

    private static func get(_ fields: String) -> String { "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + smuggled }

    private static func post(_ fields: String, _ body: String) -> String {
        "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body + smuggled
    }

    private static let lines = [
        Attack("LF ends a line of its own (waitress CVE-2019-16785)", post("Content-Length: 36\r\nX: x\nContent-Length: 0\r\n", "")),
        Attack("LF ends every line (llhttp CVE-2022-32214)", "GET / HTTP/1.1\nHost: a\n\n" + smuggled),
        Attack("a field is not ended by CRLF (llhttp CVE-2022-35256)", get("X:\nTransfer-Encoding: chunked\r\n")),
        Attack("CR alone ends a field (node CVE-2023-30589)", get("X: x\rTransfer-Encoding: chunked\r\n")),
        Attack("CR and any byte end the head (node CVE-2025-23167)", "GET / HTTP/1.1\r\nHost: a\r\n\rX" + smuggled),
        Attack("LF ends the head after CRLF", "GET / HTTP/1.1\r\nHost: a\r\n\n" + smuggled),
        Attack("CR CR LF ends a line", get("X: x\r\r\nTransfer-Encoding: chunked\r\n")),
        Attack(
            "a space before the colon (netty CVE-2019-16869, llhttp CVE-2021-22959)", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")),
        Attack("a space before the name (node CVE-2024-27982)", post(" Content-Length: 36\r\n", "")),
        Attack("no colon (netty CVE-2019-20444)", post("Content-Length: 0\r\nTransfer-Encoding\r\n", "")),
        Attack("no name, and all after it is dropped (HAProxy CVE-2023-25725)", post(":x\r\nContent-Length: 36\r\n", "")),
        Attack(
            "a name that overflows eight bits, and the length is read twice (HAProxy CVE-2021-40346)",
            post("Content-Length0" + String(repeating: "a", count: 255) + ":\r\nContent-Length: 0\r\nContent-Length: 36\r\n", "")),
        Attack("NUL within a name", post("Content-Length\u{0}: 36\r\nContent-Length: 0\r\n", "")),
        Attack("NUL within a value", get("X: x\u{0}Transfer-Encoding: chunked\r\n")),
        Attack("a folded field (llhttp CVE-2022-32215)", post("Transfer-Encoding: chunked\r\n , identity\r\n", "0\r\n\r\n")),
        Attack("a field folded into the first line", "GET / HTTP/1.1\r\n Transfer-Encoding: chunked\r\nHost: a\r\n\r\n" + smuggled),
        Attack("a space within the target carries a version", "GET / HTTP/1.1 /b HTTP/1.1\r\nHost: a\r\n\r\n"),
        Attack("a target with LF in it", "GET /\nX: y HTTP/1.1\r\nHost: a\r\n\r\n"),
        Attack("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        Attack("a target with a host of its own", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        Attack("no version: HTTP/0.9 has no head (Jetty CVE-2017-7656)", "GET /\r\n" + smuggled),
        Attack("a version of two digits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n"),
        Attack("HTTP/2 by prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u{0}\u{0}\u{0}\u{4}\u{0}\u{0}\u{0}\u{0}\u{0}"),
        Attack("TLS", "\u{16}\u{3}\u{1}\u{0}\u{F1}\u{1}\u{0}\u{0}\u{ED}\u{3}\u{3}"),
    ]

    private static let lengths = [
        Attack("two lengths (waitress CVE-2019-16792, Jetty CVE-2017-7658)", post("Content-Length: 36\r\nContent-Length: 0\r\n", "")),
        Attack("two lengths in a list", post("Content-Length: 0, 36\r\n", "")),
        Attack("two equal lengths", post("Content-Length: 0\r\nContent-Length: 0\r\n", "")),
        Attack("length and coding (netty CVE-2019-20445)", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
        Attack("coding and length", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")),
        Attack("length and a coding that only some see", post("Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n", "0\r\n\r\n")),
        Attack("a length with a sign (hyper CVE-2021-32715, waitress CVE-2022-24761)", post("Content-Length: +0\r\n", "")),
        Attack("a negative length", post("Content-Length: -1\r\n", "")),
        Attack("a length in hexadecimal (protocol-http1 CVE-2023-38697)", post("Content-Length: 0x0\r\n", "")),
        Attack("a length with an underscore, as Python reads numbers", post("Content-Length: 0_0\r\n", "")),
        Attack("an empty length (HAProxy CVE-2023-40225)", post("Content-Length:\r\n", "")),
        Attack("a length of 2^64", post("Content-Length: 18446744073709551616\r\n", "")),
        Attack("a length that is ignored for not being one (Tomcat CVE-2022-42252)", post("Content-Length: 0a\r\n", "")),
        Attack("a length after a vertical tab", post("Content-Length: \u{B}0\r\n", "")),
        Attack("a tab after the length, which llhttp refuses", post("Content-Length: 0\t\r\n", "")),
        Attack("a tab after close, which llhttp does not see then", get("Connection: close\t\r\n")),
        Attack("a tab after upgrade, which llhttp does not see then", get("Upgrade: websocket\r\nConnection: Upgrade\t\r\n")),
        Attack(
            "an upgrade with a body to hide in, behind an offer that may have one",
            get("Upgrade: websocket\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 36\r\n")),
        Attack("an upgrade with a body to hide in", get("Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 36\r\n")),
        Attack("an upgrade with chunks to hide in", get("Connection: Upgrade\r\nTransfer-Encoding: chunked\r\nUpgrade: websocket\r\n")),
    ]

    private static let codings = [
        Attack("a vertical tab before chunked (waitress CVE-2019-16789)", post("Transfer-Encoding: \u{B}chunked\r\n", "0\r\n\r\n")),
        Attack("a vertical tab after chunked (node CVE-2019-15605)", post("Transfer-Encoding: chunked\u{B}\r\n", "0\r\n\r\n")),
        Attack("two codings (node CVE-2020-8287)", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n")),
        Attack(
            "two codings, the real one last (gunicorn CVE-2024-1135)",
            post("Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
        Attack("a tab after chunked, which llhttp refuses", post("Transfer-Encoding: chunked\t\r\n", "0\r\n\r\n")),
        Attack("chunked twice", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n0\r\n\r\n")),
        Attack("chunked not last", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")),
        Attack("chunked as part of a word (llhttp CVE-2022-32213)", post("Transfer-Encoding: chunkedchunked\r\n", "0\r\n\r\n")),
        Attack("chunked with a parameter", post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n")),
        Attack("chunked in quotes", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n")),
        Attack("an empty coding", post("Transfer-Encoding:\r\n", "0\r\n\r\n")),
        Attack("identity", post("Transfer-Encoding: identity\r\nContent-Length: 0\r\n", "")),
        Attack("chunked in HTTP/1.0", "POST /healthz HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled),
        Attack("an underscore, as CGI reads names", post("Transfer_Encoding: chunked\r\n", "0\r\n\r\n")),
        Attack("an expectation that only some see", post("Expect: y 100-continue\r\nContent-Length: 0\r\n", "")),
    ]

    private static func chunked(_ body: String) -> String { post("Transfer-Encoding: chunked\r\n", body) }

    private static let chunks = [
        Attack("LF ends the size (Go CVE-2025-22871, netty CVE-2025-58056)", chunked("0\n\r\n")),
        Attack("LF ends an extension (aiohttp CVE-2024-52304)", chunked("0;x\ny\r\n\r\n")),
        Attack("an extension, skipped up to LF (llhttp CVE-2021-22960)", chunked("2;\nxx\r\n0\r\n\r\n")),
        Attack("an extension that hides a line end in quotes", chunked("0;x=\"\r\n\"\r\n\r\n")),
        Attack("CR ends the size", chunked("0\rX\r\n")),
        Attack("two bytes of any kind end the data (h11 CVE-2025-43859)", chunked("1\r\nxXX0\r\n\r\n")),
        Attack("LF ends the data", chunked("1\r\nx\n0\r\n\r\n")),
        Attack("data longer than said", chunked("1\r\nxx\r\n0\r\n\r\n")),
        Attack("data shorter than said", chunked("3\r\nxx\r\n0\r\n\r\n")),
        Attack("a size with 0x (Twisted CVE-2022-24801, waitress CVE-2022-24761)", chunked("0x0\r\n\r\n")),
        Attack("a size with a sign", chunked("+0\r\n\r\n")),
        Attack("a size with an underscore", chunked("0_0\r\n\r\n")),
        Attack("a size that overflows (nginx CVE-2013-2028, Jetty CVE-2017-7657)", chunked("ffffffffffffffec\r\nx\r\n0\r\n\r\n")),
        Attack("a size of 2^64", chunked("10000000000000000\r\n\r\n")),
        Attack("an empty size", chunked("\r\n\r\n")),
        Attack("white space after the size", chunked("0 \r\n\r\n")),
        Attack("a trailer that frames (eventlet CVE-2025-58068, Tomcat CVE-2023-46589)", chunked("0\r\nContent-Length: 36\r\n\r\n")),
        Attack("a trailer without a colon", chunked("0\r\nX\r\n\r\n")),
        Attack("LF ends the chunks", chunked("0\r\n\n")),
    ]
}
