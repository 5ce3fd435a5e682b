internal import COpenSSL

/// One peer's TLS: bytes in, bytes out, no socket. Never waits; holds no record buffer while nothing is under way. One thread's.
///
///     receive(bytes of the peer) → plaintext, handed on        send(plaintext) → output        output → the socket, then sent(count)
///
/// Flow: TCPStream → **TLSSession** → who reads plaintext, and back
@safe
package final class TLSSession {
    package enum Received: Equatable {
        /// Everything was taken; more may come.
        case all
        /// The peer has said that it sends no more (close_notify).
        case ended
    }

    private let pointer: OpaquePointer
    let bio: OpaquePointer
    let buffers: TLSBuffers
    /// The peer's bytes that OpenSSL has not taken, during ``receive(_:deliver:)`` only.
    private var input = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// Bytes for the socket.
    private var output: [UInt8] = []
    private var outputSent = 0
    /// Bytes that came since the last that meant something to whoever reads.
    private var fruitlessBytes = 0
    private var isFlooded = false
    private(set) var hasFailed = false
    private var hasEnded = false
    /// With it we seal what is sent, in place of OpenSSL. Nil until it is agreed on, and where it is of another kind (TLS 1.2, ChaCha20).
    package internal(set) var trafficKey: TrafficKey?
    var trafficSecret: TrafficSecret?
    /// The type of the record that OpenSSL writes next, where it is no application data.
    var recordType: UInt8?

    package private(set) var isEstablished = false

    /// What one ``send(_:)`` takes at most: a record (RFC 8446 §5.1).
    package static let recordBytesMax = 16_384
    /// What a handshake may take: a client's whole chain of certificates fits.
    static let handshakeBytesMax = 65_536
    /// What may come without a byte of plaintext once it is done, as key updates or empty records. Two records of nothing but padding.
    static let fruitlessBytesMax = 36_864

    private init(_ context: TLSContext, _ buffers: TLSBuffers) throws(TLSFailure) {
        ErrorQueue.clear()
        guard let method = unsafe Self.method, let bio = unsafe BIO_new(method) else { throw TLSFailure(.other, "no memory for a BIO") }
        guard let pointer = unsafe SSL_new(context.pointer) else {
            unsafe BIO_free_all(bio)
            throw TLSFailure(.other, "no memory for a session")
        }
        unsafe self.pointer = unsafe pointer
        unsafe self.bio = unsafe bio
        self.buffers = buffers
        unsafe BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        unsafe BIO_set_init(bio, 1)
        // The session owns the BIO from here on, both ways as one.
        unsafe SSL_set_bio(pointer, bio, bio)
    }

    /// Waits for a client's hello.
    package static func server(_ context: TLSContext, _ buffers: TLSBuffers) throws(TLSFailure) -> TLSSession {
        let session = try TLSSession(context, buffers)
        unsafe SSL_set_accept_state(session.pointer)
        return session
    }

    /// Says hello to a server of this name, which its certificate must have; nil takes any certificate that is trusted.
    package static func client(_ context: TLSContext, _ buffers: TLSBuffers, serverName: String?) throws(TLSFailure) -> TLSSession {
        let session = try TLSSession(context, buffers)
        unsafe SSL_set_connect_state(session.pointer)
        if let serverName {
            // An address is compared with the certificate's addresses, and is no name to ask for (RFC 6066 §3).
            if unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.pointer), serverName) != 1 {
                ErrorQueue.clear()
                // Where the name is not noted it is not checked, and any certificate would do.
                let isNoted =
                    unsafe wsg_tls_set_server_name(session.pointer, serverName) == 1 && SSL_set1_host(session.pointer, serverName) == 1
                guard isNoted else { throw TLSFailure(.other, "\(serverName) cannot be asked for as a server's name") }
            }
        }
        try session.handshake()
        return session
    }

    deinit {
        trafficSecret?.wipe()
        // OpenSSL takes its BIO apart, and tells it.
        unsafe BIO_set_data(bio, nil)
        unsafe SSL_free(pointer)
    }

    // MARK: From the peer

    /// Takes the peer's bytes. Plaintext is handed to `deliver`, in pieces; they are valid during the call only. It returns whether to go on: false
    /// throws the rest away, as when the connection was closed meanwhile. `deliver` may send, and must not receive.
    ///
    /// What the handshake wants to say is in ``withOutput(_:)`` afterwards, and so is the alert that belongs to an error.
    package func receive(_ bytes: Span<UInt8>, deliver: (Span<UInt8>) -> Bool) throws(TLSFailure) -> Received {
        guard !hasFailed else { throw TLSFailure(.violation, "the session has failed before") }
        // What OpenSSL may say meanwhile goes before anything else.
        trafficKey?.isFree = false
        defer { noteWhetherFree() }
        do throws(TLSFailure) {
            return try unsafe bytes.withUnsafeBytes { bytes throws(TLSFailure) in
                unsafe input = unsafe bytes
                defer { unsafe input = unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
                if !isEstablished { try handshake() }
                guard isEstablished else { return .all }
                return try read(deliver)
            }
        } catch {
            hasFailed = true
            throw error
        }
    }

    private func handshake() throws(TLSFailure) {
        ErrorQueue.clear()
        let result = unsafe SSL_do_handshake(pointer)
        if result == 1 {
            isEstablished = true
            fruitlessBytes = 0
        } else if unsafe SSL_get_error(pointer, result) != SSL_ERROR_WANT_READ {
            throw failure()
        }
    }

    private func read(_ deliver: (Span<UInt8>) -> Bool) throws(TLSFailure) -> Received {
        while true {
            let (filled, end) = fillPlaintext()
            try answerKeyUpdate()
            if filled > 0 {
                let goesOn = unsafe deliver(UnsafeBufferPointer(rebasing: buffers.plaintext[..<filled]).span)
                guard goesOn else { return .all }
            }
            if let end { return try end.get() }
        }
    }

    /// Decrypts until the buffer is full (nil) or there is nothing more to decrypt.
    private func fillPlaintext() -> (filled: Int, end: Result<Received, TLSFailure>?) {
        let buffer = unsafe buffers.plaintext
        var filled = 0
        while filled < buffer.count {
            ErrorQueue.clear()
            let count = unsafe SSL_read(pointer, buffer.baseAddress! + filled, Int32(buffer.count - filled))
            guard count > 0 else {
                switch unsafe SSL_get_error(pointer, count) {
                case SSL_ERROR_WANT_READ: return (filled, .success(.all))
                case SSL_ERROR_ZERO_RETURN: return (filled, .success(.ended))
                default: return (filled, .failure(failure()))
                }
            }
            filled += Int(count)
            fruitlessBytes = 0
        }
        return (filled, nil)
    }

    private func failure() -> TLSFailure {
        let failure = TLSFailure.fromQueue()
        if isFlooded { return TLSFailure(.flood, isEstablished ? "bytes without content" : "a handshake without end") }
        guard failure.reason == .badCertificate else { return failure }
        // The error says only that it is not trusted; the session knows why.
        return TLSFailure(.badCertificate, unsafe String(cString: X509_verify_cert_error_string(SSL_get_verify_result(pointer))))
    }

    // MARK: To the peer

    /// Encrypts the first bytes, ``recordBytesMax`` at most, into one record, and returns how many. It cannot be taken back: who may still want to drop
    /// what follows waits until ``hasOutput`` is false.
    package func send(_ plaintext: Span<UInt8>) throws(TLSFailure) -> Int {
        precondition(isEstablished, "plaintext was sent before the handshake was done")
        guard !hasFailed, !hasEnded else { throw TLSFailure(.violation, "the session has ended before") }
        let count = min(plaintext.count, Self.recordBytesMax)
        guard count > 0 else { return 0 }
        defer { noteWhetherFree() }
        if trafficKey?.isWornOut == true {
            changeKey()
            // A message that the peer has begun and does not end keeps OpenSSL from saying it.
            guard trafficKey?.isWornOut == false else {
                hasFailed = true
                throw TLSFailure(.violation, "the key is worn out and cannot be changed")
            }
        }
        if let trafficKey {
            guard seal(plaintext.extracting(first: count), type: nil, trafficKey) else {
                throw TLSFailure(.other, "OpenSSL does not encrypt")
            }
            return count
        }
        ErrorQueue.clear()
        let written = unsafe plaintext.withUnsafeBytes { unsafe SSL_write(pointer, $0.baseAddress, Int32(count)) }
        guard written > 0 else {
            hasFailed = true
            throw failure()
        }
        return Int(written)
    }

    /// Says that nothing more comes (close_notify, RFC 8446 §6.1); what the peer sends can still be read. Once; nothing where there is no session.
    package func sendEnd() {
        guard isEstablished, !hasFailed, !hasEnded else { return }
        hasEnded = true
        ErrorQueue.clear()
        unsafe SSL_shutdown(pointer)
        ErrorQueue.clear()
        noteWhetherFree()
    }

    /// Changes the key, and asks the peer to change its own (RFC 8446 §4.6.3). We have no use for it; tests play a peer that does nothing else.
    package func updateKeys() { changeKey(SSL_KEY_UPDATE_REQUESTED) }

    func changeKey(_ kind: Int32 = SSL_KEY_UPDATE_NOT_REQUESTED) {
        ErrorQueue.clear()
        unsafe SSL_key_update(pointer, kind)
        unsafe SSL_do_handshake(pointer)
    }

    /// OpenSSL would answer with its next record of application data, and there is none where we seal them.
    private func answerKeyUpdate() throws(TLSFailure) {
        guard trafficKey != nil, !hasEnded, unsafe SSL_get_key_update_type(pointer) != SSL_KEY_UPDATE_NONE else { return }
        changeKey()
        guard !hasFailed else { throw TLSFailure(.other, "OpenSSL does not encrypt") }
    }

    /// Nothing may be sealed past what waits, nor by a session that is no more.
    private func noteWhetherFree() {
        trafficKey?.isFree = isEstablished && !hasFailed && !hasEnded && !hasOutput && trafficKey?.isWornOut == false
    }

    func fail() { hasFailed = true }

    /// Whether there are bytes for the socket.
    package var hasOutput: Bool { outputSent < output.count }
    package var outputBytes: Int { output.count - outputSent }

    /// The bytes for the socket.
    package func withOutput<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        let output = output
        return body(output.span.extracting(outputSent...))
    }

    /// The socket has taken the first `count` of them.
    package func sent(_ count: Int) {
        precondition(count <= outputBytes, "more was sent than there was")
        outputSent += count
        guard outputSent == output.count else { return }
        outputSent = 0
        buffers.giveBack(&output)
        noteWhetherFree()
    }

    /// The end of a record that was sealed with ``trafficKey`` and not taken whole by the socket.
    package func keep(_ rest: Span<UInt8>) {
        append(rest)
        noteWhetherFree()
    }

    func append(_ bytes: Span<UInt8>) {
        if output.capacity == 0 { output = buffers.takeOutput() }
        unsafe bytes.withUnsafeBufferPointer { unsafe output.append(contentsOf: $0) }
    }

    // MARK: What was agreed on

    /// "TLSv1.3", for instance.
    package var version: String { unsafe String(cString: SSL_get_version(pointer)) }
    /// The session goes on where an earlier one of this client ended.
    package var isResumed: Bool { unsafe SSL_session_reused(pointer) == 1 }

    // MARK: The BIO

    /// Reads from ``input`` and writes to ``output``: nothing is copied that need not be. Lives as long as the process.
    nonisolated(unsafe) private static let method: OpaquePointer? = {
        guard let method = unsafe BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wsg") else { return nil }
        unsafe BIO_meth_set_read(method) { bio, bytes, count in
            guard let bio = unsafe bio, let bytes = unsafe bytes, count > 0 else { return 0 }
            return unsafe TLSSession.of(bio).take(UnsafeMutableRawPointer(bytes), Int(count))
        }
        unsafe BIO_meth_set_write(method) { bio, bytes, count in
            guard let bio = unsafe bio, let bytes = unsafe bytes, count > 0 else { return 0 }
            return unsafe TLSSession.of(bio).put(UnsafeRawPointer(bytes), Int(count))
        }
        unsafe BIO_meth_set_ctrl(method) { bio, command, number, pointer in
            guard let bio = unsafe bio, unsafe BIO_get_data(bio) != nil else { return 0 }
            return unsafe TLSSession.of(bio).control(command, number, pointer)
        }
        return unsafe method
    }()

    static func of(_ bio: OpaquePointer) -> TLSSession {
        unsafe Unmanaged<TLSSession>.fromOpaque(BIO_get_data(bio)).takeUnretainedValue()
    }

    private func take(_ bytes: UnsafeMutableRawPointer, _ wanted: Int) -> Int32 {
        unsafe wsg_bio_retry_read(bio)
        let count = min(wanted, unsafe input.count)
        guard count > 0 else { return -1 }
        fruitlessBytes += count
        guard fruitlessBytes <= (isEstablished ? Self.fruitlessBytesMax : Self.handshakeBytesMax) else {
            isFlooded = true
            unsafe wsg_bio_no_retry(bio)
            return -1
        }
        unsafe bytes.copyMemory(from: input.baseAddress!, byteCount: count)
        unsafe input = unsafe UnsafeRawBufferPointer(rebasing: input[count...])
        return Int32(count)
    }

    private func put(_ bytes: UnsafeRawPointer, _ count: Int) -> Int32 {
        let bytes = unsafe Span<UInt8>(_unsafeBytes: UnsafeRawBufferPointer(start: bytes, count: count))
        guard let trafficKey else {
            append(bytes)
            return Int32(count)
        }
        return seal(bytes, type: recordType, trafficKey) ? Int32(count) : -1
    }
}
