import OpenSSL

/// Input: how a client of OpenSSL's and our session speak with each other: a byte of flags, then three for each act. The bytes of both are cut
/// wherever the acts say.
enum TLSStreamTarget: FuzzTarget {
    static let name = "tls_stream"

    static func run(_ input: [UInt8]) {
        guard let flags = input.first else { return }
        let script = input.dropFirst()
        let first = TLSConversation(isTLS12: flags & 1 == 1, resuming: nil)
        first.play(script)
        guard flags & 2 == 2, !first.isTampered, let saved = first.client.save() else { return }
        let second = TLSConversation(isTLS12: flags & 1 == 1, resuming: saved)
        second.play(script)
        require(second.isTampered || second.isResumed, "a client that comes back resumes")
    }
}

/// Two ends, what is on its way between them, and what each has said.
private final class TLSConversation {
    let client: RawTLSClient
    private let server: TLSSession
    private let isTLS12: Bool
    private var toServer: ArraySlice<UInt8> = []
    private var toClient: ArraySlice<UInt8> = []
    private var saidByClient: [UInt8] = []
    private var saidByServer: [UInt8] = []
    private var heardByServer: [UInt8] = []
    private var clientHasEnded = false
    private var serverHasEnded = false
    private var serverHeardEnd = false
    private var failure: TLSFailure?
    private var keyUpdates = 0
    /// A byte was changed on its way: from here on anything may fail, and nothing may be made up.
    private(set) var isTampered = false

    /// Of both directions, so that no run is long.
    private static let bytesMax = 262_144
    /// OpenSSL gives up on a peer that does nothing else.
    private static let keyUpdatesMax = 16
    private static let buffers = FuzzBuffers()

    init(isTLS12: Bool, resuming session: SavedTLSSession?) {
        self.isTLS12 = isTLS12
        client = RawTLSClient(isTLS12: isTLS12, resuming: session)
        do throws(TLSFailure) { server = try TLSSession.server(FuzzIdentity.server, Self.buffers.shared) } catch {
            fatalError("a session: \(error)")
        }
    }

    var isResumed: Bool { server.isResumed }

    func play(_ script: ArraySlice<UInt8>) {
        var rest = script
        while rest.count >= 3 {
            let act = rest.removeFirst()
            let size = Int(rest.removeFirst()) << 8 | Int(rest.removeFirst())
            perform(act % 8, size)
            check()
        }
        finish()
    }

    private func perform(_ act: UInt8, _ size: Int) {
        switch act {
        case 0: carryToServer(size)
        case 1: carryToClient(size)
        case 2: sayByClient(size)
        case 3: sayByServer(size)
        // A few bytes at a time are what a handshake is cut into.
        case 4: for _ in 0..<(size & 63) { carryToServer(1 + size >> 12) }
        case 5: for _ in 0..<(size & 63) { carryToClient(1 + size >> 12) }
        case 6: speakOfKeys(size)
        default: endOrTamper(size)
        }
    }

    // MARK: On the way

    @discardableResult
    private func carryToServer(_ count: Int) -> Int {
        toServer += client.takeOutput()
        let bytes = Array(toServer.prefix(count))
        toServer = toServer.dropFirst(bytes.count)
        guard failure == nil, !serverHeardEnd else { return bytes.count }
        do throws(TLSFailure) {
            let received = try server.receive(bytes.span) { plaintext in
                require(server.isEstablished, "there is no plaintext before the handshake is done")
                for index in plaintext.indices { heardByServer.append(plaintext[index]) }
                return true
            }
            serverHeardEnd = received == .ended
            require(!serverHeardEnd || clientHasEnded, "an end is heard only where it was said")
        } catch {
            failure = error
            require(isTampered, "what comes as it was sent does not fail: \(error)")
        }
        return bytes.count
    }

    @discardableResult
    private func carryToClient(_ count: Int) -> Int {
        takeOutput(count)
        let bytes = Array(toClient.prefix(count))
        toClient = toClient.dropFirst(bytes.count)
        client.take(bytes)
        require(!client.hasFailed || isTampered, "a client of OpenSSL's understands what it is sent")
        require(!client.hasEnded || serverHasEnded, "an end is heard only where it was said")
        return bytes.count
    }

    /// A socket takes what it has room for.
    private func takeOutput(_ count: Int) {
        let taken = min(server.outputBytes, max(count, 1))
        server.withOutput { output in for index in 0..<taken { toClient.append(output[index]) } }
        server.sent(taken)
    }

    // MARK: What is said

    private func sayByClient(_ count: Int) {
        guard client.isEstablished, !client.hasFailed, !clientHasEnded, count > 0, saidByClient.count < Self.bytesMax else { return }
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: saidByClient.count &+ $0 &* 31) }
        client.say(bytes)
        saidByClient += bytes
    }

    private func sayByServer(_ count: Int) {
        guard server.isEstablished, failure == nil, !serverHasEnded, saidByServer.count < Self.bytesMax else { return }
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: saidByServer.count &+ $0 &* 17) }
        do throws(TLSFailure) {
            let before = server.outputBytes
            let taken = try server.send(bytes.span)
            require(taken == min(bytes.count, TLSSession.recordBytesMax), "a send takes a record, or all")
            require(server.outputBytes - before <= taken + 512, "a record costs little more than what is in it")
            saidByServer += bytes.prefix(taken)
        } catch { require(isTampered, "a session that has not failed sends: \(error)") }
    }

    private func speakOfKeys(_ size: Int) {
        guard !isTLS12, client.isEstablished, !client.hasFailed, server.isEstablished, failure == nil, keyUpdates < Self.keyUpdatesMax
        else {
            return
        }
        keyUpdates += 1
        if size & 1 == 1, !serverHasEnded { server.updateKeys() } else if !clientHasEnded { client.updateKeys(asks: size & 2 == 2) }
    }

    private func endOrTamper(_ size: Int) {
        switch size & 3 {
        case 0 where client.isEstablished && !clientHasEnded:
            client.sayEnd()
            clientHasEnded = true
        case 1 where server.isEstablished:
            server.sendEnd()
            serverHasEnded = true
        case 2 where !toServer.isEmpty:
            toServer[toServer.startIndex + size >> 2 % toServer.count] ^= 1 << (size >> 13)
            isTampered = true
        case 3 where !toClient.isEmpty:
            toClient[toClient.startIndex + size >> 2 % toClient.count] ^= 1 << (size >> 13)
            isTampered = true
        default: break
        }
    }

    // MARK: Rules

    private func check() {
        require(saidByClient.starts(with: heardByServer), "the server hears what the client said, in order, and nothing else")
        require(saidByServer.starts(with: client.received), "the client hears what the server said, in order, and nothing else")
    }

    /// Everything still on its way arrives.
    private func finish() {
        while carryToServer(.max) + carryToClient(.max) > 0 {}
        check()
        guard !isTampered else { return }
        require(client.isEstablished && server.isEstablished, "a handshake whose bytes all arrive is done")
        requireEqual(heardByServer.count, saidByClient.count, "all that the client said arrives")
        requireEqual(client.received.count, saidByServer.count, "all that the server said arrives")
        requireEqual(serverHeardEnd, clientHasEnded, "the client's end arrives")
        requireEqual(client.hasEnded, serverHasEnded, "the server's end arrives")
    }
}
