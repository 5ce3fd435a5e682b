internal import EventLoop
internal import OpenSSL

/// The TLS contexts of the listeners, made from the files that the settings name: all of them, or none.
struct ListenerTLS: Sendable {
    let client: TLSContext
    /// Nil where the control listener speaks plain HTTP.
    let control: TLSContext?

    /// One file, so that what is to be said of one context is to be said of both.
    var warnings: [String] { client.warnings }

    /// Seconds since 1970.
    var expiresAt: Int64? { client.expiresAt }

    /// Nil where the settings want no TLS. Reads files, and waits for the disk.
    static func load(_ settings: GatewaySettings) throws(SettingsError) -> ListenerTLS? {
        guard let certificatePath = settings.tlsCertificate, let keyPath = settings.tlsKey else {
            if settings.tlsCertificate != nil { throw SettingsError("tls-certificate", "needs its key as well; pass --tls-key") }
            if settings.tlsKey != nil { throw SettingsError("tls-key", "needs its certificate as well; pass --tls-certificate") }
            if settings.controlTLS { throw SettingsError("control-tls", "needs a certificate; pass --tls-certificate and --tls-key") }
            if settings.controlClientCA != nil { throw SettingsError("control-client-ca", "is of no use without --control-tls") }
            return nil
        }
        if settings.controlClientCA != nil, !settings.controlTLS {
            throw SettingsError("control-client-ca", "is of no use without --control-tls")
        }
        let certificate = try read(certificatePath, "tls-certificate")
        let key = try read(keyPath, "tls-key")
        let clientCA: PEMFile? = if let path = settings.controlClientCA { try read(path, "control-client-ca") } else { nil }
        do throws(TLSFileError) {
            // Two of them even where they look alike: a ticket of one listener is worth nothing at the other.
            return ListenerTLS(
                client: try .server(certificate: certificate, key: key),
                control: settings.controlTLS ? try .server(certificate: certificate, key: key, clientCA: clientCA) : nil)
        } catch {
            let setting =
                error.file == certificatePath ? "tls-certificate" : error.file == keyPath ? "tls-key" : "control-client-ca"
            throw SettingsError(setting, error.description)
        }
    }

    private static func read(_ path: String, _ setting: String) throws(SettingsError) -> PEMFile {
        do throws(SystemError) {
            return PEMFile(name: path, bytes: try SmallFile.read(path, bytesMax: TLSContext.fileBytesMax))
        } catch {
            throw SettingsError(setting, "\(path) cannot be read: \(error.reason)")
        }
    }
}
