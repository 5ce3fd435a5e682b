import Foundation
import OpenSSL
import Testing

/// Certificates for one test, made by the `openssl` command: an authority, and what it signs.
final class Authority {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "wsg-tls-\(getpid())-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        try Data(Self.configuration.utf8).write(to: folder.appending(path: "ca.conf"))
        try Data().write(to: folder.appending(path: "index.txt"))
        try run(
            "req", "-x509", "-config", "ca.conf", "-extensions", "authority", "-subj", "/CN=Test Authority", "-days", "10", "-keyout",
            "ca.key", "-out", "ca.pem")
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    struct Identity {
        let certificate: PEMFile
        let key: PEMFile
    }

    var certificate: PEMFile { get throws { try file("ca.pem") } }

    /// Signs a certificate for `name` with these times (`YYYYMMDDHHMMSSZ`).
    func issue(_ name: String, from: String = "20200101000000Z", to: String = "20990101000000Z", newKey: [String] = []) throws -> Identity {
        try run(
            "req", "-new", "-config", "ca.conf", "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name),IP:127.0.0.1", "-keyout",
            "\(name).key", "-out", "\(name).csr", newKey: newKey)
        try run(
            "ca", "-config", "ca.conf", "-batch", "-notext", "-rand_serial", "-startdate", from, "-enddate", to, "-in", "\(name).csr",
            "-out", "\(name).pem")
        return Identity(certificate: try file("\(name).pem"), key: try file("\(name).key"))
    }

    func file(_ name: String) throws -> PEMFile {
        PEMFile(name: name, bytes: [UInt8](try Data(contentsOf: folder.appending(path: name))))
    }

    /// The key behind a passphrase.
    func encrypted(_ name: String) throws -> PEMFile {
        try run("pkcs8", "-topk8", "-in", "\(name).key", "-passout", "pass:secret", "-out", "\(name).secret.key")
        return try file("\(name).secret.key")
    }

    func run(_ arguments: String..., newKey: [String] = []) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        let key =
            arguments[0] == "req"
            ? ["-nodes"] + (newKey.isEmpty ? ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] : newKey) : []
        process.arguments = ["openssl"] + arguments + key
        process.currentDirectoryURL = folder
        let output = Pipe()
        process.standardOutput = FileHandle.nullDevice
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(arguments.joined(separator: " ")): \(text)")
    }

    private static let configuration = """
        [req]
        distinguished_name = name
        prompt = no
        [name]
        [authority]
        basicConstraints = critical, CA:true
        subjectKeyIdentifier = hash
        [ca]
        default_ca = authority_files
        [authority_files]
        database = index.txt
        new_certs_dir = .
        serial = serial
        certificate = ca.pem
        private_key = ca.key
        policy = any
        default_md = sha256
        unique_subject = no
        copy_extensions = copy
        [any]
        commonName = supplied

        """
}

/// Client and server in one memory: what one says the other hears.
struct Pair {
    let client: TLSSession
    let server: TLSSession
    /// Plaintext that arrived.
    var atClient: [UInt8] = []
    var atServer: [UInt8] = []

    init(_ clientContext: TLSContext, _ serverContext: TLSContext, name: String? = "gateway.test") throws {
        let buffers = TLSBuffers()
        client = try TLSSession.client(clientContext, buffers, serverName: name)
        server = try TLSSession.server(serverContext, buffers)
    }

    /// Carries bytes to and fro until both have nothing more to say, `piece` bytes at a time.
    mutating func exchange(piece: Int = .max) throws {
        while client.hasOutput || server.hasOutput {
            try Self.carry(from: client, to: server, piece, &atServer)
            try Self.carry(from: server, to: client, piece, &atClient)
        }
    }

    @discardableResult
    static func carry(from sender: TLSSession, to receiver: TLSSession, _ piece: Int, _ arrived: inout [UInt8]) throws
        -> TLSSession.Received
    {
        var last = TLSSession.Received.all
        let bytes = sender.takeAll()
        var position = 0
        while position < bytes.count {
            let end = position + min(piece, bytes.count - position)
            last = try receiver.receive(bytes.span.extracting(position..<end)) { plaintext in
                for i in plaintext.indices { arrived.append(plaintext[i]) }
                return true
            }
            position = end
        }
        return last
    }
}

extension TLSSession {
    func takeAll() -> [UInt8] {
        let bytes = withOutput { output in
            var bytes: [UInt8] = []
            for i in output.indices { bytes.append(output[i]) }
            return bytes
        }
        sent(bytes.count)
        return bytes
    }

    func sendAll(_ bytes: [UInt8]) throws {
        var position = 0
        while position < bytes.count { position += try send(bytes.span.extracting(position...)) }
    }
}
