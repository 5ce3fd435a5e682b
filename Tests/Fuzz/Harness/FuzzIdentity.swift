import Glibc
import OpenSSL

/// The server's certificate and key, which `scripts/fuzz` makes beside the targets.
enum FuzzIdentity {
    /// Set once, before any input.
    nonisolated(unsafe) static var folder = "."

    static let server = {
        let file = PEMFile(name: "identity.pem", bytes: unsafe read("\(folder)/identity.pem"))
        do throws(TLSFileError) { return try TLSContext.server(certificate: file, key: file) } catch {
            fatalError("scripts/fuzz makes a certificate: \(error)")
        }
    }()

    private static func read(_ path: String) -> [UInt8] {
        guard let file = unsafe fopen(path, "rb") else { fatalError("\(path) cannot be read; scripts/fuzz makes it") }
        defer { unsafe fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe fread(&bytes, 1, bytes.count, file)
        return bytes.slice(0..<count)
    }
}
