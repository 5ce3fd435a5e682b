import ArgumentParser
import EventLoop
import Sessions
import Testing

@testable import websocket_gateway

@Suite struct NATSConnectionTests {
    /// A server that says `lines[0]` at once and each next one when it has got what it waits for, byte for byte.
    private final class ScriptedServer: TCPStreamHandler {
        typealias Line = (awaits: String, says: String)

        private var listener: Listener?
        private var stream: TCPStream?
        private var lines: ArraySlice<Line>
        private var received: [UInt8] = []

        /// What it got and did not wait for.
        var unexpected: String { String(decoding: received, as: UTF8.self) }
        var isDone: Bool { lines.isEmpty }
        var address: SocketAddress? { listener?.address }

        init(_ loop: EventLoop, _ lines: [Line]) throws {
            self.lines = lines[...]
            let address = try #require(SocketAddress(parsing: "127.0.0.1:0"))
            let bound = try #require(try BoundSocket.bind(address, count: 1).first)
            listener = try Listener(
                loop, bound, accepted: { [unowned self] descriptor, _ in accept(loop, descriptor) },
                refused: { Issue.record("\($0)") })
        }

        private func accept(_ loop: EventLoop, _ descriptor: Int32) {
            stream = try? TCPStream(loop, descriptor: descriptor)
            stream?.setHandler(self)
            stream?.startReading()
            answer()
        }

        private func answer() {
            while let line = lines.first, received.starts(with: line.awaits.utf8) {
                lines.removeFirst()
                received.removeFirst(line.awaits.utf8.count)
                #expect(stream?.send(Array(line.says.utf8).span) == .sent(line.says.utf8.count))
            }
        }

        func stream(_ stream: TCPStream, didReceive bytes: Span<UInt8>) {
            received += bytes.copied()
            answer()
        }

        func streamDidReachEnd(_ stream: TCPStream) { close() }
        func stream(_ stream: TCPStream, didFail error: SystemError) { close() }
        func streamBecameWritable(_ stream: TCPStream) {}

        func close() {
            stream?.close()
            listener?.close()
            (stream, listener) = (nil, nil)
        }
    }

    /// Publishes its events once open, and ends with its connection.
    private final class Publisher: NATSConnectionHandler {
        let session: SessionID
        let events: [String]
        let server: ScriptedServer
        var connection: NATSConnection?
        var acknowledged = 0
        var ending: ControlConnection.Ending?

        init(_ loop: EventLoop, to address: SocketAddress?, _ events: [String], _ server: ScriptedServer) throws {
            session = try SessionID("load-1")
            self.events = events
            self.server = server
            let target = try GatewayTarget.parse(try #require(address).description, .control, flag: "", TLSOptions.parse([]))
            connection = try NATSConnection(loop, to: target, handler: self)
        }

        func connectionDidOpen(_ connection: NATSConnection) {
            #expect(connection.isOpen)
            for event in events { connection.publish(Array(event.utf8), to: session) }
            connection.flush()
        }

        func connectionDidAcknowledge(_ connection: NATSConnection) { acknowledged += 1 }

        func connection(_ connection: NATSConnection, didEnd ending: ControlConnection.Ending) {
            #expect(!connection.isOpen)
            self.ending = ending
            server.close()
        }
    }

    private func run(_ lines: [ScriptedServer.Line], events: [String] = []) throws -> (ScriptedServer, Publisher) {
        let loop = try EventLoop()
        let server = try ScriptedServer(loop, lines)
        let publisher = try Publisher(loop, to: server.address, events, server)
        loop.run()
        return (server, publisher)
    }

    private static let connect = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n"
    private static let info = "INFO {\"server_id\":\"N\"}\r\n"

    @Test func `each event is followed by a PING, whose PONG is its receipt, and the server's own PINGs are answered`() throws {
        let (server, publisher) = try run(
            [
                ("", Self.info), (Self.connect, "PONG\r\n"),
                ("PUB session.load-1 7\r\n{\"a\":1}\r\nPING\r\nPUB session.load-1 2\r\n{}\r\nPING\r\n", "PONG\r\nPING\r\n"),
                ("PONG\r\n", "PONG\r\n-ERR 'the end'\r\n"),
            ], events: ["{\"a\":1}", "{}"])
        #expect(server.isDone)
        #expect(server.unexpected == "")
        #expect(publisher.acknowledged == 2)
        #expect(publisher.ending == .lost("the server says: 'the end'"))
    }

    @Test(arguments: [
        ("PONG\r\nPONG\r\n", "the server answers what was not asked"),
        ("PONG\r\nMSG a 1 0\r\n\r\n", "a message came that was not subscribed to"),
        ("HTTP/1.1 400 Bad Request\r\n", "the answer is not NATS as we know it: unknownOperation"),
        ("-ERR 'Authorization \u{1B}[2J'\r\n", "the server says: 'Authorization \\u001b[2J'"),
    ])
    func `what a server should not say ends it, and is told`(_ says: String, reason: String) throws {
        let (server, publisher) = try run([("", Self.info), (Self.connect, says)])
        #expect(server.isDone)
        #expect(publisher.ending == .lost(reason))
    }

    @Test func `what a cluster tells of itself later changes nothing`() throws {
        let (_, publisher) = try run([("", Self.info), (Self.connect, "\(Self.info)+OK\r\nPONG\r\n\(Self.info)-ERR 'x'\r\n")])
        #expect(publisher.ending == .lost("the server says: 'x'"))
    }

    @Test func `where nobody listens there is no connection`() throws {
        let loop = try EventLoop()
        let server = try ScriptedServer(loop, [])
        let address = server.address
        server.close()
        let publisher = try Publisher(loop, to: address, [], server)
        loop.run()
        guard case .cannotConnect(let error) = publisher.ending else {
            Issue.record("\(String(describing: publisher.ending))")
            return
        }
        #expect(error.isConnectionRefused)
    }
}
