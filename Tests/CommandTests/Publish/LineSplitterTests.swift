import Testing

@testable import websocket_gateway

@Suite struct LineSplitterTests {
    private let text = Array("{\"a\":1}\n\n \r\n{\"b\":2}\r\n{\"c\":3}".utf8)

    @Test(arguments: 1...12)
    func `lines are the same however the input is cut, and counted as editors do`(_ size: Int) throws {
        var splitter = LineSplitter()
        var lines: [NumberedLine] = []
        var start = 0
        while start < text.count {
            lines += try splitter.receive(Array(text[start..<min(start + size, text.count)]))
            start += size
        }
        if let last = try splitter.finish() { lines.append(last) }
        #expect(lines.map(\.number) == [1, 4, 5])
        #expect(lines.map { String(decoding: $0.bytes, as: UTF8.self) } == ["{\"a\":1}", "{\"b\":2}\r", "{\"c\":3}"])
    }

    @Test func `the end without a line break is a line, the end after one is none`() throws {
        var splitter = LineSplitter()
        #expect(try splitter.receive(Array("x\n".utf8)).count == 1)
        #expect(try splitter.finish() == nil)
    }

    @Test func `a line that never ends is refused at its limit`() throws {
        var splitter = LineSplitter(bytesMax: 8)
        #expect(try splitter.receive(Array("12345678\n1234".utf8)).count == 1)
        #expect(throws: LineSplitter.LineTooLong(number: 2)) { try splitter.receive(Array("56789".utf8)) }
    }
}
