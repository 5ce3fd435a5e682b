import Testing

@testable import websocket_gateway

@Suite struct EventViewTests {
    private func show(_ view: inout EventView, _ message: String, columns: Int = 80) -> String {
        let bytes = Array(message.utf8)
        return String(decoding: view.show(bytes, ReceivedEvent(bytes), columns: columns), as: UTF8.self)
    }

    private func message(_ type: String, _ data: String, id: Int = 1) -> String {
        #"{"id":"0123456789abc-\#(id)","type":"\#(type)","data":\#(data),"timestamp":"2026-03-15T10:30:00Z"}"#
    }

    @Test func `a pipe gets fields between tabs`() {
        var view = EventView(.fields)
        #expect(show(&view, message("candle", "{ \"a\": 1 }")) == "2026-03-15T10:30:00Z\t0123456789abc-1\tcandle\t{\"a\":1}\n")
        #expect(show(&view, #"{"type":"heartbeat","data":{},"timestamp":"t"}"#) == "t\t-\theartbeat\t{}\n")
    }

    @Test func `raw is the message on one line`() {
        var view = EventView(.raw)
        #expect(show(&view, message("a", "{\n\"x\":1.10}")) == message("a", "{ \"x\":1.10}") + "\n")
    }

    @Test func `pieces of a thought go on in one line, until something else comes`() {
        var view = EventView(.terminal(colors: false))
        let front = "10:30:00.000  ai_thinking         "
        #expect(show(&view, message("ai_thinking", #"{"text":"I ","is_complete":false}"#)) == front + "I ")
        #expect(show(&view, message("ai_thinking", #"{"text":"think","is_complete":true}"#)) == "think\n")
        #expect(show(&view, message("ai_thinking", #"{"text":"again","is_complete":false}"#)) == front + "again")
        #expect(show(&view, message("error", #"{"message":"m"}"#)).hasPrefix("\n10:30:00.000  error"))
    }

    @Test func `a countdown rewrites its line and goes when something else comes`() {
        var view = EventView(.terminal(colors: false))
        #expect(!show(&view, message("countdown_update", #"{"seconds_remaining":2}"#)).contains("\n"))
        #expect(show(&view, message("countdown_update", #"{"seconds_remaining":1}"#)).hasPrefix("\r\u{1B}[K10:30"))
        #expect(show(&view, message("error", #"{"message":"m"}"#)).hasPrefix("\r\u{1B}[K10:30"))
        #expect(view.finishLine() == [])
    }

    @Test func `an unknown type is cut to the terminal`() {
        var view = EventView(.terminal(colors: false))
        let line = show(&view, message("my_type", "{\"x\":\"\(String(repeating: "y", count: 500))\"}"), columns: 100)
        #expect(line.count == 101)
        #expect(line.hasSuffix("…\n"))
    }

    @Test(arguments: [EventView.Style.raw, .fields, .terminal(colors: false)])
    func `no style lets data control the terminal`(_ style: EventView.Style) {
        var view = EventView(style)
        let text = show(&view, message("my_type", "{\"\u{9B}\":\"\u{7F}\u{202E}\",\n\"b\":\"\\u001b[2J\"}"))
        #expect(text.dropLast().unicodeScalars.filter { SafeText.isUnsafe($0) && $0 != "\t" }.isEmpty)
    }
}
