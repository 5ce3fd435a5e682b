import ArgumentParser
import EventLoop
import Sessions
import Testing
import WebSocket
import WebSocketGateway

@testable import websocket_gateway

/// The clients against a real gateway in this process.
@Suite struct ToolsAgainstGatewayTests {
    /// Opens a client socket, publishes once it got its first message, and ends both after `messagesMax`.
    private final class Exchange: ClientSocketHandler, ControlConnectionHandler {
        let session: SessionID
        let messagesMax: Int
        var messages: [String] = []
        var answers: [UInt16] = []
        var ending: ClientSocket.Ending?
        var socket: ClientSocket?
        var control: ControlConnection?

        init(_ loop: EventLoop, _ addresses: WebSocketManager.Addresses, messagesMax: Int) throws {
            session = try SessionID("exchange")
            self.messagesMax = messagesMax
            let listen = try GatewayTarget.parse(addresses.listen, .clients, flag: "", TLSOptions.parse([]))
            let controlAddress = try GatewayTarget.parse(addresses.control ?? "", .control, flag: "", TLSOptions.parse([]))
            control = try ControlConnection(loop, to: controlAddress, handler: self)
            socket = try ClientSocket(loop, to: listen, target: "/ws/backtest/exchange", handler: self)
        }

        func socketDidOpen(_ socket: ClientSocket) {}

        func socket(_ socket: ClientSocket, didReceive message: [UInt8]) {
            messages.append(String(decoding: message, as: UTF8.self))
            if messages.count == 1 { publish() }
            if messages.count == messagesMax { closeIfDone() }
        }

        private func publish() {
            for number in 1...3 {
                control?.publish(Array(#"{"type":"a","data":{"n":\#(number)}}"#.utf8), to: session, contentType: "application/json")
            }
            control?.publish(Array("nonsense".utf8), to: session, contentType: "application/json")
            control?.flush()
        }

        private func closeIfDone() {
            guard answers.count == 4, messages.count == messagesMax else { return }
            socket?.close()
            control?.close()
        }

        func socket(_ socket: ClientSocket, didEnd ending: ClientSocket.Ending) {
            self.ending = ending
            control?.close()
        }

        func connectionDidOpen(_ connection: ControlConnection) { connection.flush() }

        func connection(_ connection: ControlConnection, didAnswer status: UInt16, body: [UInt8]) {
            answers.append(status)
            closeIfDone()
        }

        func connection(_ connection: ControlConnection, didEnd ending: ControlConnection.Ending) {}
    }

    private func gateway() throws -> WebSocketManager {
        var settings = GatewaySettings()
        (settings.listen, settings.control, settings.workers) = ("127.0.0.1:0", "127.0.0.1:0", 2)
        return try WebSocketManager(settings)
    }

    @Test func `pipelined publishes are answered in order and arrive in order`() async throws {
        let manager = try gateway()
        let addresses = try await manager.start()
        do {
            let loop = try EventLoop()
            let exchange = try Exchange(loop, addresses, messagesMax: 4)
            loop.run()
            #expect(exchange.answers == [200, 200, 200, 400])
            #expect(exchange.ending == nil)
            let events = exchange.messages.compactMap { ReceivedEvent(Array($0.utf8)) }
            #expect(events.map(\.type) == ["connected", "a", "a", "a"])
            #expect(events.compactMap { $0.id?.sequence } == [1, 2, 3])
            #expect(events.dropFirst().map(\.compactData) == [#"{"n":1}"#, #"{"n":2}"#, #"{"n":3}"#])
        }
        await manager.stop()
    }

    /// Remembers only how a socket ended.
    private final class Refused: ClientSocketHandler {
        var ending: ClientSocket.Ending?
        func socketDidOpen(_ socket: ClientSocket) {}
        func socket(_ socket: ClientSocket, didReceive message: [UInt8]) {}
        func socket(_ socket: ClientSocket, didEnd ending: ClientSocket.Ending) { self.ending = ending }
    }

    @Test func `a refusal is told with the gateway's reason, a closed port as such`() async throws {
        let manager = try gateway()
        let addresses = try await manager.start()
        let listen = try GatewayTarget.parse(addresses.listen, .clients, flag: "", TLSOptions.parse([]))
        let refused = Refused()
        do {
            let loop = try EventLoop()
            let socket = try ClientSocket(loop, to: listen, target: "/nowhere", handler: refused)
            loop.run()
            _ = socket
        }
        guard case .refused(let refusal) = refused.ending else {
            Issue.record("\(String(describing: refused.ending))")
            return await manager.stop()
        }
        #expect(refusal.status == 404)
        #expect(refusal.code == "NOT_FOUND")
        await manager.stop()

        let gone = Refused()
        do {
            let loop = try EventLoop()
            let socket = try ClientSocket(loop, to: listen, target: "/nowhere", handler: gone)
            loop.run()
            _ = socket
        }
        guard case .cannotConnect(let error) = gone.ending else {
            Issue.record("\(String(describing: gone.ending))")
            return
        }
        #expect(listen.explain(error).hasPrefix("nothing listens on"))
    }
}
