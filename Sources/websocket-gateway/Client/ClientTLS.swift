import ArgumentParser
import EventLoop
import OpenSSL
import WebSocketGateway

/// A tool's side of TLS: whom it trusts, and what it shows of itself. Nothing makes it trust everybody: who tries something out names that one
/// certificate.
final class ClientTLS {
    private let context: TLSContext
    private let buffers = TLSBuffers()

    init(_ context: TLSContext) { self.context = context }

    /// Of a connection to this host, whose certificate must have its name or address.
    func seal(for host: String) throws(SystemError) -> TLSSeal {
        guard let seal = TLSSeal(context, buffers, connectingTo: host) else { throw .outOfMemory("begin TLS with \(host)") }
        return seal
    }
}

extension TLSFailure {
    /// Of a server that says nothing and goes: one that has no room, or no TLS.
    static let closedInHandshake = TLSFailure(.other, "it closed the connection in the handshake")
}

/// The flags of tools that may connect by TLS.
struct TLSOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("With wss:// and https://: trust the authorities of this PEM file instead of the system's.", valueName: "file"))
    var ca: String?
    @Option(help: ArgumentHelp("The certificate to show to a gateway that asks for one (PEM, with its chain).", valueName: "file"))
    var clientCertificate: String?
    @Option(help: ArgumentHelp("The key of --client-certificate (PEM).", valueName: "file")) var clientKey: String?

    func validate() throws {
        guard (clientCertificate == nil) == (clientKey == nil) else {
            throw ValidationError("--client-certificate and --client-key go together")
        }
    }

    /// Reads the files.
    func load() throws(ValidationError) -> ClientTLS {
        let trusted = try Self.read(ca, "--ca")
        let certificate = try Self.read(clientCertificate, "--client-certificate")
        let key = try Self.read(clientKey, "--client-key")
        do throws(TLSFileError) {
            guard let certificate, let key else { return ClientTLS(try .client(trusting: trusted)) }
            return ClientTLS(try .client(trusting: trusted, certificate: certificate, key: key))
        } catch {
            throw ValidationError(error.description)
        }
    }

    /// Who names an authority means TLS: a target without it is a mistake, and one that would go unnoticed.
    func requireUse(by targets: [GatewayTarget?]) throws(ValidationError) {
        guard let flag = ca != nil ? "--ca" : clientCertificate != nil ? "--client-certificate" : nil else { return }
        guard targets.contains(where: { $0?.tls != nil }) else { throw ValidationError("\(flag) is for wss:// and https://") }
    }

    private static func read(_ path: String?, _ flag: String) throws(ValidationError) -> PEMFile? {
        guard let path else { return nil }
        do throws(SystemError) {
            return PEMFile(name: path, bytes: try SmallFile.read(path, bytesMax: TLSContext.fileBytesMax))
        } catch {
            throw ValidationError("\(flag): \(path) cannot be read: \(error.reason)")
        }
    }
}
