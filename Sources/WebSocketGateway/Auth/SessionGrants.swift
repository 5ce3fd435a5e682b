internal import Sessions

/// The sessions that a token's `sessions` names: ids, and prefixes that end in `*`.
struct SessionGrants: Sendable, Equatable {
    static let countMax = 256

    private var ids: Set<String> = []
    private var prefixes: [String] = []

    /// Nil for what is no list of ids and prefixes: nobody should guess what was meant.
    init?(_ claim: JSON) {
        guard let entries = claim.arrayValue, entries.count <= Self.countMax else { return nil }
        for entry in entries {
            guard let text = entry.stringValue, !text.isEmpty else { return nil }
            let isPrefix = text.utf8.last == UInt8(ascii: "*")
            let name = isPrefix ? String(decoding: text.utf8.dropLast(), as: UTF8.self) : text
            guard isPrefix ? Self.mayBegin(name) : (try? SessionID(bytes: Array(name.utf8).span)) != nil else { return nil }
            if isPrefix { prefixes.append(name) } else { ids.insert(name) }
        }
    }

    /// None.
    init() {}

    /// Ids are ASCII: no two spellings of one are equal.
    func names(_ session: SessionID) -> Bool {
        guard !ids.isEmpty || !prefixes.isEmpty else { return false }
        let id = session.description
        return ids.contains(id) || prefixes.contains { id.utf8.starts(with: $0.utf8) }
    }

    /// An empty prefix is everybody's.
    private static func mayBegin(_ prefix: String) -> Bool {
        // With a letter behind it, `.` and `..` are the beginning of an id as well.
        prefix.isEmpty || prefix.utf8.count < 128 && (try? SessionID(bytes: Array("\(prefix)a".utf8).span)) != nil
    }
}
