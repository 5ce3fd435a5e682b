/// What the mutator puts in the place of a part: what parsers are known to disagree about, and the nearest that is legal. Latin-1.
extension Mutator {
    static let methods = [
        "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "get", "Get", "GETT", "GE", "G", "", "TRACE", "CONNECT", "PRI", "M-SEARCH",
        "QUERY", "PROPFIND", "SOURCE", "DESCRIBE", "G\u{0}T", "GE\tT", "G\u{E9}T", "\"GET\"", "GET,GET", "GET/", "\u{FF}",
        String(repeating: "G", count: 9000),
    ]

    static let targets = [
        "", "*", "a", "?", "http://a/", "https://a", "a:443", "//a", "/?", "/?a?b", "/#a", "/?#a", "/a b", "/a\tb", "/a\u{B}b",
        "/\u{E9}", "/\u{80}", "/\u{FF}", "/\u{0}", "/\u{7F}", "/a\rb", "/a\nb", "/a\r\nX: b", "/\\", "/;", "/%", "/\"<>[]^`{|}",
        "/../", "/ HTTP/1.1\r\nHost: a\r\n\r\nGET /b", "/" + String(repeating: "a", count: 8170),
        "/" + String(repeating: "a", count: 8190),
    ]

    static let versions = [
        "HTTP/1.0", "HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/3.0", "HTTP/9.9", "HTTP/1", "HTTP/1.", "HTTP/.1", "HTTP/1.10",
        "HTTP/01.1", "HTTP/1.01", "HTTP/1.1 ", "HTTP/1.1\t", " HTTP/1.1", "http/1.1", "Http/1.1", "HTTP/1,1", "HTTP /1.1",
        "HTTP/ 1.1", "HTTP/1 .1", "HTTPS/1.1", "ICY/1.1", "RTSP/1.1", "XHTTP/1.1", "HTTP/-1.1", "HTTP/+1.1", "HTTP/1.1x",
        "HTTP\\1.1", "HTTP1.1", "HTTP", "", "HTTP/1.1 HTTP/1.1",
    ]

    static let lineEnds = [
        "\n", "\r", "\n\r", "\r\r\n", "\r\n\r\n", "", "\r\n ", "\r\n\t", "\n\n", "\r\n\n", "\r \n", "\r\u{0}\n", "\u{B}\r\n",
        "\u{C}", "\u{85}", "\u{0}\r\n", " \r\n", "\t\r\n", "\r\n\r", "\r\rX", "\rX\n", "\nX: y\n", "\rX: y\r", "\u{2}\r\n",
    ]

    static let colons = [
        ":", ":  ", ":\t", ": \t ", " : ", " :", "\t:", "::", ": :", "", " ", ";", "=", ":\u{B}", ":\u{C}", ":\u{0}", ":\u{A0}",
        ":\r\n ", ":\r\n", "\u{0}:", "\r\n:", ":\n", ":\r", "\u{B}:",
    ]

    static let strangeInName = [
        " ", "\t", "\u{0}", "\u{B}", "\r", "\n", "\r\n", "\u{7F}", "\u{80}", "\u{A0}", "\u{FF}", "(", ")", "<", ">", "@", ",", ";",
        "\\", "\"", "/", "[", "]", "?", "=", "{", "}", "_", "!", "~", "|", "X", "%00",
    ]

    static let strangeInValue = [
        " ", "\t", "\u{0}", "\u{1}", "\u{8}", "\u{B}", "\u{C}", "\u{1F}", "\u{7F}", "\r", "\n", "\r\n", "\r\n ", "\u{80}", "\u{85}",
        "\u{A0}", "\u{FF}", ",", ";", ":", "\"", "\\", "chunked", "0",
    ]

    static let fields = [
        ("", "x"), ("X", ""), ("x", "chunked"), ("X Y", "z"), ("Host_", "b"), ("Content", "5"), ("Content-Length-X", "5"),
        ("Transfer", "chunked"), ("TE", "trailers"), ("Trailer", "X"), ("Content-Encoding", "gzip"), ("X-Forwarded-Host", "b"),
        ("Keep-Alive", "timeout=5"), ("Via", "1.0 b"), ("Content-Length", "0"), ("X", "\u{E9}\u{20}\u{FF}"),
        ("Connection-", "close"), ("Close", "close"), ("Upgrade-Insecure-Requests", "1"),
    ]

    static let hosts = [
        "a", "b", "a:80", "a:", "[::1]", "[::1]:80", "[::1", "::1", "[]", "[v1.a]", "[::1]x", "a:b", "a:99999", "a:999999",
        "a:80:80", "a b", "a,b", "a/b", "u@a", "a#b", "a?b", "a\\b", "a%41", "\u{E9}", "*", "-", "", " ", "a\tb", "a\u{0}", "a;b",
        "http://a", "127.1", "0x7f.1",
    ]

    static let expectations = ["100-continue", "100-Continue", "100-continue\t", "200-ok", "", "100-continue, x", "y 100-continue", "100"]

    static let connections = [
        "close", "Close", "keep-alive", "Keep-Alive", "upgrade", "Upgrade", "keep-alive, Upgrade", "close, upgrade",
        "upgrade,close,keep-alive", "close\t", "\tclose", "close ", "close;", "close,", "x, close", "x,close", "x,\tclose",
        "x ,close", "x\t,close", "close x", "close\tx", "closed", "xclose", "keep-alive, close", "close, keep-alive", "close ,x",
        "close\t,x", "upgrade\t", "upgrade\t,x", "\tupgrade", "x,\tupgrade", "x\t, upgrade", "x upgrade", "upgrade x", "upgrades",
        "upgrade;", "\"close\"", "", ",", " , ,close", "close,close", "TE", "te, upgrade", "keep-alive\u{0}", "close\u{B}",
        "clo\u{E9}", "keep-alive\t", "keep-alive, x\tclose", "Content-Length", "Transfer-Encoding", "close,\u{FF}",
    ]

    static let upgrades = [
        "websocket", "WebSocket", "h2c", "H2C", "h2c, websocket", "websocket, h2c", "websocket/13", "websockets", "web socket",
        "websocket\t", "\twebsocket", "h2c\t", "", ",", ",websocket", "TLS/1.0", "foo", "websocket;x", "websocket\u{0}",
    ]

    static let contentLengths = [
        "0", "1", "5", "36", "00", "0005", "1048576", "1048577", "4294967295", "4294967296", "9223372036854775807",
        "9223372036854775808", "18446744073709551615", "18446744073709551616", "18446744073709551652", "99999999999999999999999999",
        "five", "\u{B2}", "1e1", "5.0", "", " ", ",", "-0",
    ]

    static let transferEncodings = [
        "chunked", "Chunked", "CHUNKED", "chunked ", "chunked\t", "\tchunked", "chunked \t", "chunked, chunked", "chunked,chunked",
        "chunked,", ",chunked", ", chunked", "gzip, chunked", "gzip,chunked", "chunked, gzip", "chunked, identity", "identity",
        "identity, chunked", "gzip", "chunked;", "chunked;q=1", "chunked; x=\"y\"", "xchunked", "x-chunked", "chunkedx",
        "chunkedchunked", "chunke", "chunk", "chunked\u{B}", "\u{B}chunked", "chunked\u{C}", "chunked\u{0}", "\u{A0}chunked",
        "chunked\u{A0}", "\"chunked\"", "'chunked'", "chunk\u{E9}d", "chunked identity", "chunked\r\n ", "\r\n chunked",
        "chunked\r\n , gzip", "x\r\n chunked", "", " ", "cow", "chunked\rX", "c h u n k e d", "chunked:",
    ]

    static let lengthNames = [
        "Content-Length ", "Content-Length\t", " Content-Length", "\tContent-Length", "Content_Length", "Content Length",
        "Content-Length\u{0}", "\u{0}Content-Length", "Content-Length\u{B}", "X-Content-Length", "Content--Length", "ContentLength",
        "Content-Length:", "Content-Lengt", "Content-Lengths", "Content-Length\r\n ", "\r\nContent-Length", "\rContent-Length",
        "\nContent-Length", "X: y\nContent-Length", "X: y\rContent-Length", "CONTENT-LENGTH", "Content\u{AD}-Length",
        "Content-Length\u{80}", "content-length",
    ]

    static let codingNames = [
        "Transfer-Encoding ", "Transfer-Encoding\t", " Transfer-Encoding", "\tTransfer-Encoding", "Transfer_Encoding",
        "Transfer Encoding", "Transfer-Encoding\u{0}", "\u{0}Transfer-Encoding", "Transfer-Encoding\u{B}", "\u{B}Transfer-Encoding",
        "X-Transfer-Encoding", "Transfer--Encoding", "TransferEncoding", "Transfer-Encoding:", "Transfer-Encodin",
        "Transfer-Encodings", "Transfer-Encoding\r\n ", "\rTransfer-Encoding", "\nTransfer-Encoding", "X: y\nTransfer-Encoding",
        "X: y\rTransfer-Encoding", "TRANSFER-ENCODING", "Transfer\u{AD}-Encoding", "transfer-encoding",
    ]

    /// Other spellings of a number, decimal or hexadecimal: to some reader the same, to another something else.
    static let disguises: [@Sendable (String) -> String] = [
        { "+" + $0 }, { "-" + $0 }, { "0x" + $0 }, { "0X" + $0 }, { " " + $0 }, { $0 + " " }, { "\t" + $0 }, { $0 + "\t" },
        { $0 + " \t" }, { $0 + "\t " }, { "0" + $0 }, { "00000000" + $0 }, { "0000000000000000000" + $0 }, { $0 + "," + $0 },
        { $0 + ", " + $0 }, { $0 + "," }, { "," + $0 }, { $0 + " 0" }, { $0 + "\u{0}" }, { "\u{0}" + $0 }, { $0 + "\u{B}" },
        { "\u{B}" + $0 }, { $0 + "\u{C}" }, { $0 + ";" }, { $0 + "." }, { $0 + ".0" }, { $0 + "h" }, { $0 + "_0" }, { "0_" + $0 },
        { "\"" + $0 + "\"" }, { $0 + "\u{A0}" }, { "\u{B2}" + $0 }, { _ in "" }, { _ in "g" }, { _ in "-1" },
        { _ in "ffffffffffffffff" }, { "10000000000000000" + $0 }, { "100000000" + $0 }, { _ in "7fffffff" }, { _ in "100001" },
        { $0.uppercasedASCII }, { $0 + "\r" }, { $0 + "\n" }, { $0 + "\r\n " }, { $0 + "a" }, { String($0.reversed()) },
    ]

    static let extensions = [
        ";", ";a", ";a=b", ";a=\"b\"", ";a=\"b;c\"", ";a=\"\\\"\"", ";a=\"\r\n\"", ";a=\n", ";\n", "; a", " ;a", "\t;a", ";a=",
        ";=b", ";;", ";a\rb", ";a\u{0}", ";\u{FF}", ";a=b\nX", ";" + String(repeating: "x", count: 300), " ", "  ", "\t", ",", ":",
        "=",
    ]

    static let trailers = [
        "X: y\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Host: b\r\n", "X\r\n", " X: y\r\n", ": y\r\n",
        "X : y\r\n", "X: y\n", "X: \u{0}\r\n", "X: y\r\n z\r\n", "\n", "\r", "X: y", "0\r\n",
        "GET /smuggled HTTP/1.1\r\nHost: b\r\n",
    ]
}
