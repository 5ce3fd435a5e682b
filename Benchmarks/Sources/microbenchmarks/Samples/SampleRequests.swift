/// Requests as a gateway gets them.
enum SampleRequests {
    /// A browser's upgrade: ten fields.
    static let upgrade = Array(
        """
        GET /ws/backtest/bt-20260315-0042?types=candle,position_opened HTTP/1.1\r
        Host: gateway.example.com\r
        User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r
        Accept-Language: en-US,en;q=0.5\r
        Origin: https://app.example.com\r
        Connection: keep-alive, Upgrade\r
        Upgrade: websocket\r
        Sec-WebSocket-Version: 13\r
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
        Sec-WebSocket-Protocol: wsg.v1\r
        Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r
        \r

        """.utf8)

    /// An engine's publish of one event.
    static func publish(_ body: [UInt8]) -> [UInt8] {
        let head = """
            POST /v1/sessions/bt-20260315-0042/events HTTP/1.1\r
            Host: 127.0.0.1:8081\r
            User-Agent: engine/1.0\r
            Content-Type: application/json\r
            Content-Length: \(body.count)\r
            \r

            """
        return Array(head.utf8) + body
    }
}
