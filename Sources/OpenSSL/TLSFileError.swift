/// A file of an operator's that cannot be used for TLS: which, and why.
package struct TLSFileError: Error, Sendable, Equatable, CustomStringConvertible {
    package let file: String
    package let reason: String

    init(_ file: String, _ reason: String) {
        self.file = file
        self.reason = reason
    }

    package var description: String { "\(file) \(reason)" }
}

/// The content of a file in PEM form (RFC 7468), and the name it is told by.
package struct PEMFile: Sendable {
    package let name: String
    package let bytes: [UInt8]

    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    func contains(_ text: String) -> Bool { bytes.contains(text.utf8) }
}
