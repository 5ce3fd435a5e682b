internal import COpenSSL

/// One X.509 certificate. Owns OpenSSL's object.
@safe
final class Certificate {
    let pointer: OpaquePointer

    /// Takes over a reference.
    init(owning pointer: OpaquePointer) { unsafe self.pointer = unsafe pointer }

    deinit { unsafe X509_free(pointer) }

    var subject: String {
        var text = [CChar](repeating: 0, count: 256)
        guard unsafe X509_NAME_oneline(X509_get_subject_name(pointer), &text, 256) != nil else { return "?" }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Seconds since 1970.
    var notBefore: Int64 { unsafe wsg_asn1_seconds(X509_get0_notBefore(pointer)) }
    var notAfter: Int64 { unsafe wsg_asn1_seconds(X509_get0_notAfter(pointer)) }

    /// All certificates of a file, in its order; one at least.
    static func all(in file: PEMFile) throws(TLSFileError) -> [Certificate] {
        let reader = try PEMReader(file)
        var certificates: [Certificate] = []
        while let pointer = unsafe reader.read({ bio in unsafe PEM_read_bio_X509(bio, nil, nil, nil) }) {
            unsafe certificates.append(Certificate(owning: pointer))
        }
        if let damage = reader.damage {
            throw TLSFileError(file.name, "holds a damaged certificate (number \(certificates.count + 1): \(damage))")
        }
        guard !certificates.isEmpty else {
            throw TLSFileError(file.name, "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
        }
        return certificates
    }
}

/// A private key. Owns OpenSSL's object.
@safe
final class PrivateKey {
    let pointer: OpaquePointer

    private init(owning pointer: OpaquePointer) { unsafe self.pointer = unsafe pointer }

    deinit { unsafe EVP_PKEY_free(pointer) }

    static func read(_ file: PEMFile) throws(TLSFileError) -> PrivateKey {
        let reader = try PEMReader(file)
        var isEncrypted = false
        let pointer = unsafe withUnsafeMutablePointer(to: &isEncrypted) { isEncrypted in
            unsafe reader.read { bio in
                // Whoever asks for a passphrase is told that there is none: OpenSSL's own way is to ask on the terminal.
                unsafe PEM_read_bio_PrivateKey(
                    bio, nil,
                    { _, _, _, isEncrypted in
                        unsafe isEncrypted!.assumingMemoryBound(to: Bool.self).pointee = true
                        return -1
                    }, isEncrypted)
            }
        }
        if let pointer = unsafe pointer { return unsafe PrivateKey(owning: pointer) }
        if isEncrypted {
            throw TLSFileError(file.name, "holds a key with a passphrase, and there is nobody to ask for it; store it without one")
        }
        // OpenSSL does not say whether it found none or could not read it.
        if file.contains("PRIVATE KEY-----") {
            throw TLSFileError(file.name, "holds a damaged private key (\(reader.damage ?? "no error given"))")
        }
        throw TLSFileError(file.name, "holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)")
    }
}

/// Reads one PEM object after the other.
@safe
private final class PEMReader {
    private let bytes: [UInt8]
    private let bio: OpaquePointer
    /// OpenSSL's words for what is wrong with the object that could not be read; nil where there was none.
    private(set) var damage: String?

    init(_ file: PEMFile) throws(TLSFileError) {
        guard !file.bytes.isEmpty else { throw TLSFileError(file.name, "is empty") }
        guard file.bytes.count <= TLSContext.fileBytesMax else {
            throw TLSFileError(file.name, "is larger than \(TLSContext.fileBytesMax) bytes")
        }
        bytes = file.bytes
        ErrorQueue.clear()
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { throw TLSFileError(file.name, "cannot be read: no memory") }
        unsafe self.bio = unsafe bio
        // Copied: what is read in place must outlive the BIO, and an array's place is its own affair.
        let written = unsafe bytes.withUnsafeBytes { unsafe BIO_write(bio, $0.baseAddress, Int32($0.count)) }
        guard written == Int32(bytes.count) else { throw TLSFileError(file.name, "cannot be read: no memory") }
    }

    deinit { unsafe BIO_free_all(bio) }

    /// Nil at the end, and where an object is damaged.
    func read(_ body: (OpaquePointer) -> OpaquePointer?) -> OpaquePointer? {
        ErrorQueue.clear()
        if let pointer = unsafe body(bio) { return unsafe pointer }
        guard let error = ErrorQueue.takeFirst() else {
            damage = "no error given"
            return nil
        }
        damage = error.library == ERR_LIB_PEM && error.reason == PEM_R_NO_START_LINE ? nil : error.text
        return nil
    }
}
