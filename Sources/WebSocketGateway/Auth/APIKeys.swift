internal import EventLoop
internal import OpenSSL

/// What a key of an engine's or operator's may be used for.
public enum APIScope: String, CaseIterable, Sendable {
    /// Publishing, to sessions, to all, to one connection.
    case publish
    /// Registering and ending sessions, closing connections.
    case manage
    /// Everything that only looks, metrics included.
    case read
}

/// The keys of the control listener, as their hashes: whoever reads the file cannot use them. Immutable: other keys are a new value.
struct APIKeys: Sendable {
    struct Entry: Sendable, Equatable {
        /// ASCII.
        let name: String
        let scopes: Set<APIScope>
        /// SHA-256. A key is 32 random bytes: no slow hash makes them harder to find.
        let hash: [UInt8]
    }

    /// A line of the file that cannot be used. Its words are not told: one of them may be a key.
    struct Fault: Error, Equatable {
        let line: Int
        let reason: String
    }

    static let countMax = 256
    static let nameBytesMax = 64
    static let fileBytesMax = 65_536

    let entries: [Entry]

    /// One key a line: name, scopes, SHA-256 of the key in hexadecimal, with spaces between; `#` begins a comment.
    init(parsing text: [UInt8]) throws(Fault) {
        var entries: [Entry] = []
        var number = 0
        for line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            let words = line.prefix { $0 != UInt8(ascii: "#") }.split {
                $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r")
            }
            guard !words.isEmpty else { continue }
            guard words.count == 3 else { throw Fault(line: number, reason: "a key is a name, its scopes, and the SHA-256 of the key") }
            let entry = try Self.entry(words.map(Array.init), number)
            guard !entries.contains(where: { $0.name == entry.name || $0.hash == entry.hash }) else {
                throw Fault(line: number, reason: "the name or the key is there already")
            }
            entries.append(entry)
        }
        guard !entries.isEmpty else { throw Fault(line: number, reason: "there is no key; websocket-gateway api-key makes one") }
        guard entries.count <= Self.countMax else { throw Fault(line: number, reason: "there are more than \(Self.countMax) keys") }
        self.entries = entries
    }

    private static func entry(_ words: [[UInt8]], _ line: Int) throws(Fault) -> Entry {
        guard isName(words[0]) else { throw Fault(line: line, reason: "a name is 1 to \(nameBytesMax) of A-Za-z0-9._-") }
        var scopes: Set<APIScope> = []
        for word in words[1].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            guard let scope = APIScope(rawValue: String(decoding: word, as: UTF8.self)) else {
                throw Fault(line: line, reason: "scopes are some of \(APIScope.names), with commas between")
            }
            scopes.insert(scope)
        }
        guard let hash = bytes(hexadecimal: words[2]), hash.count == SHA256.digestBytes else {
            throw Fault(line: line, reason: "the SHA-256 of a key is 64 hexadecimal digits")
        }
        return Entry(name: String(decoding: words[0], as: UTF8.self), scopes: scopes, hash: hash)
    }

    static func isName(_ bytes: [UInt8]) -> Bool {
        (1...nameBytesMax).contains(bytes.count)
            && bytes.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    private static func bytes(hexadecimal text: [UInt8]) -> [UInt8]? {
        guard text.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: text.count, by: 2) {
            guard let high = digit(text[index]), let low = digit(text[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Where the key is among the entries. All are compared, each in constant time: how long it takes says nothing about which is near.
    func find(_ key: Span<UInt8>) -> Int? {
        let hash = SHA256.digest(key)
        var found: Int?
        for (index, entry) in entries.enumerated() where ConstantTime.areEqual(entry.hash.span, hash.span) { found = index }
        return found
    }

    /// Nil where no file is set.
    static func read(_ settings: GatewaySettings) throws(SettingsError) -> APIKeys? {
        guard let file = settings.apiKeyFile else { return nil }
        let text: [UInt8]
        do throws(SystemError) { text = try SmallFile.read(file, bytesMax: fileBytesMax) } catch {
            throw SettingsError("api-key-file", "\(error)")
        }
        do throws(Fault) { return try APIKeys(parsing: text) } catch {
            throw SettingsError("api-key-file", "\(file) line \(error.line): \(error.reason)")
        }
    }
}

extension APIScope {
    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
