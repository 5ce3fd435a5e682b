/// One thing changed about a connection's requests. Those that name a part change that part of one request and leave the rest well-formed;
/// the last ones change bytes wherever they are.
enum Mutation: String, CaseIterable {
    // The request line
    case emptyLineBefore, method, target, version, requestLineSpace, requestLineEnd
    // Any field
    case fieldName, fieldColon, fieldValue, fieldEnd, fieldFolded, fieldRepeated, fieldRemoved, fieldAdded, fieldLong, fieldsMany, headEnd
    case fieldsShuffled, fieldNameCase
    // Fields that decide something
    case host, hostRepeated, expect, connection, proxyConnection, upgrade
    case contentLength, contentLengthRepeated, transferEncoding, transferEncodingRepeated, bothFramings, framingNameDisguised
    // Content
    case contentLonger, contentShorter, chunkSize, chunkExtension, chunkSizeEnd, chunkData, chunkEnd, lastChunkMissing, trailers
    // Bytes
    case byteReplaced, byteInserted, byteRemoved, sliceRepeated, slicesSwapped, truncated, attackAppended

    private static let firstOfBytes = allCases.firstIndex(of: .byteReplaced)!
    static let structural = allCases[..<firstOfBytes]
    static let ofBytes = allCases[firstOfBytes...]
}

/// Applies mutations, at places and with values of its own choice.
struct Mutator {
    private var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// What to do to one case: nothing to a quarter of them, one thing to half.
    mutating func plan() -> [Mutation] {
        let count = [0, 0, 1, 1, 1, 1, 2, 3].randomElement(using: &random)!
        return (0..<count).map { _ in pick(Mutation.allCases) }
    }

    private mutating func pick<Element>(_ choices: [Element]) -> Element { choices.randomElement(using: &random)! }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    // MARK: Parts

    /// Changes one of the requests; false where none has what is to be changed.
    mutating func apply(_ mutation: Mutation, to requests: inout [RequestDraft]) -> Bool {
        let start = Int.random(in: 0..<requests.count, using: &random)
        for offset in requests.indices where change(&requests[(start + offset) % requests.count], mutation) { return true }
        return false
    }

    private mutating func change(_ draft: inout RequestDraft, _ mutation: Mutation) -> Bool {
        switch mutation {
        case .emptyLineBefore: draft.before = pick(["\r\n", "\n", "\r", "\r\n\r\n", " ", "\t\r\n", "\u{0}", "\u{EF}\u{BB}\u{BF}"])
        case .method: draft.method = pick(Self.methods)
        case .target: draft.target = pick(Self.targets)
        case .version: draft.version = pick(Self.versions)
        case .requestLineSpace:
            let space = pick(["  ", "\t", "", " \t", "\u{B}", "\u{C}", "\r", "\u{A0}", "\u{0}", "\r\n "])
            if chance(50) { draft.methodEnd = space } else { draft.targetEnd = space }
        case .requestLineEnd: draft.end = pick(Self.lineEnds)
        case .headEnd: draft.headEnd = pick(Self.lineEnds)
        case .fieldName, .fieldColon, .fieldValue, .fieldEnd, .fieldFolded, .fieldRepeated, .fieldRemoved, .fieldNameCase:
            guard let index = draft.fields.indices.randomElement(using: &random) else { return false }
            changeField(&draft, at: index, mutation)
        case .fieldAdded: insert(pick(Self.fields), into: &draft)
        case .fieldLong:
            for _ in 0..<pick([1, 1, 2, 3]) { insert(("X", String(repeating: "x", count: pick([5000, 8188, 8189, 8190]))), into: &draft) }
        case .fieldsMany:
            let count = pick([30, 31, 32, 33, 55, 64, 65])
            draft.fields += (0..<count).map { RequestDraft.Field(name: "X-\($0)", value: "\($0)") }
        case .fieldsShuffled: draft.fields.shuffle(using: &random)
        case .host, .expect, .connection, .upgrade, .contentLength, .transferEncoding: return setValue(&draft, mutation)
        case .hostRepeated: insert(("Host", pick(Self.hosts)), into: &draft)
        case .proxyConnection:
            if let index = draft.indices(of: "connection").first {
                draft.fields[index].name = "Proxy-Connection"
            } else {
                insert(("Proxy-Connection", pick(["close", "keep-alive", "upgrade"])), into: &draft)
            }
        case .contentLengthRepeated, .transferEncodingRepeated, .bothFramings, .framingNameDisguised: return reframe(&draft, mutation)
        default: return changeContent(&draft, mutation)
        }
        return true
    }

    private mutating func insert(_ field: (name: String, value: String), into draft: inout RequestDraft) {
        let index = Int.random(in: 0...draft.fields.count, using: &random)
        draft.fields.insert(RequestDraft.Field(name: field.name, value: field.value), at: index)
    }

    private mutating func changeField(_ draft: inout RequestDraft, at index: Int, _ mutation: Mutation) {
        switch mutation {
        case .fieldName: draft.fields[index].name = changed(draft.fields[index].name, with: Self.strangeInName)
        case .fieldColon: draft.fields[index].colon = pick(Self.colons)
        case .fieldValue: draft.fields[index].value = changed(draft.fields[index].value, with: Self.strangeInValue)
        case .fieldEnd: draft.fields[index].end = pick(Self.lineEnds)
        case .fieldFolded: draft.fields[index].value += pick(["\r\n ", "\r\n\t", "\n ", "\r "]) + pick(["", "x", "chunked", "Host: b"])
        case .fieldRepeated:
            draft.fields.insert(draft.fields[index], at: Int.random(in: 0...draft.fields.count, using: &random))
        case .fieldRemoved: draft.fields.remove(at: index)
        default: draft.fields[index].name = chance(50) ? draft.fields[index].name.uppercasedASCII : draft.fields[index].name.lowercased()
        }
    }

    /// Something strange at the start, the end, or anywhere; or nothing left.
    private mutating func changed(_ text: String, with strange: [String]) -> String {
        var scalars = [Unicode.Scalar](text.unicodeScalars)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return ""
        case 1, 2: return pick(strange) + text
        case 3, 4: return text + pick(strange)
        default:
            scalars.insert(contentsOf: pick(strange).unicodeScalars, at: Int.random(in: 0...scalars.count, using: &random))
            return String(String.UnicodeScalarView(scalars))
        }
    }

    /// Puts another value in the field's place, or adds the field where it would not change how the rest is framed.
    private mutating func setValue(_ draft: inout RequestDraft, _ mutation: Mutation) -> Bool {
        let (name, values) =
            switch mutation {
            case .host: ("host", Self.hosts)
            case .expect: ("expect", Self.expectations)
            case .connection: ("connection", Self.connections)
            case .upgrade: ("upgrade", Self.upgrades)
            case .contentLength: ("content-length", Self.contentLengths)
            default: ("transfer-encoding", Self.transferEncodings)
            }
        guard let index = draft.indices(of: name).randomElement(using: &random) else {
            guard !["content-length", "transfer-encoding"].contains(name) else { return false }
            insert((name, pick(values)), into: &draft)
            return true
        }
        // A second line beside the first, for the fields that are lists.
        if ["connection", "upgrade"].contains(name), chance(40) {
            insert((name, pick(values)), into: &draft)
        } else if name == "content-length", chance(60) {
            draft.fields[index].value = pick(Self.disguises)(draft.fields[index].value)
        } else {
            draft.fields[index].value = pick(values)
        }
        return true
    }

    private mutating func reframe(_ draft: inout RequestDraft, _ mutation: Mutation) -> Bool {
        let lengths = draft.indices(of: "content-length")
        let codings = draft.indices(of: "transfer-encoding")
        switch mutation {
        case .contentLengthRepeated:
            guard let first = lengths.first else { return false }
            insert(("Content-Length", chance(50) ? draft.fields[first].value : pick(Self.contentLengths)), into: &draft)
        case .transferEncodingRepeated:
            guard !codings.isEmpty else { return false }
            insert(("Transfer-Encoding", pick(Self.transferEncodings)), into: &draft)
        case .bothFramings:
            guard !lengths.isEmpty || !codings.isEmpty else { return false }
            let second =
                codings.isEmpty ? ("Transfer-Encoding", pick(Self.transferEncodings)) : ("Content-Length", pick(Self.contentLengths))
            insert(second, into: &draft)
        default:
            guard let index = (lengths + codings).randomElement(using: &random) else { return false }
            draft.fields[index].name = pick(lengths.contains(index) ? Self.lengthNames : Self.codingNames)
        }
        return true
    }

    // MARK: Content

    private mutating func changeContent(_ draft: inout RequestDraft, _ mutation: Mutation) -> Bool {
        switch draft.content {
        case .plain(let data):
            guard let changed = change(data, mutation), !draft.indices(of: "content-length").isEmpty else { return false }
            draft.content = .plain(changed)
        case .chunked(var chunks):
            guard change(&chunks, mutation) else { return false }
            draft.content = .chunked(chunks)
        }
        return true
    }

    private mutating func change(_ data: String, _ mutation: Mutation) -> String? {
        switch mutation {
        case .contentLonger: data + pick(["x", "\r\n", "\n", "\u{0}", "GET / HTTP/1.1\r\nHost: c\r\n\r\n"])
        case .contentShorter: data.isEmpty ? nil : String(data.unicodeScalars.dropLast(pick([1, 2, 10])))
        default: nil
        }
    }

    private mutating func change(_ chunks: inout [RequestDraft.Chunk], _ mutation: Mutation) -> Bool {
        guard let last = chunks.indices.last else { return false }
        switch mutation {
        case .contentLonger, .contentShorter:
            guard let index = chunks.indices.dropLast().randomElement(using: &random) else { return false }
            let length = chunks[index].data.unicodeScalars.count + (mutation == .contentLonger ? -1 : 1) * pick([1, 2, 16])
            chunks[index].size = String(max(0, length), radix: 16)
        case .lastChunkMissing: chunks.removeLast(pick([1, chunks.count]))
        case .trailers: chunks[last].data = pick(Self.trailers)
        default: change(&chunks[Int.random(in: 0...last, using: &random)], mutation)
        }
        return true
    }

    private mutating func change(_ chunk: inout RequestDraft.Chunk, _ mutation: Mutation) {
        switch mutation {
        case .chunkSize: chunk.size = pick(Self.disguises)(chunk.size)
        case .chunkExtension: chunk.size += pick(Self.extensions)
        case .chunkSizeEnd: chunk.sizeEnd = pick(Self.lineEnds)
        case .chunkData: chunk.data = changed(chunk.data, with: Self.strangeInValue)
        default: chunk.end = pick(Self.lineEnds)
        }
    }

    // MARK: Bytes

    mutating func apply(_ mutation: Mutation, to bytes: inout [UInt8]) {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch mutation {
        case .byteReplaced: bytes[at] = strangeByte()
        case .byteInserted: bytes.insert(strangeByte(), at: at)
        case .byteRemoved: if bytes.count > 1 { bytes.remove(at: at) }
        case .sliceRepeated: bytes.insert(contentsOf: bytes[at...].prefix(Int.random(in: 1...40, using: &random)), at: at)
        case .slicesSwapped:
            let rest = Array(bytes[at...])
            let length = Int.random(in: 0...min(40, rest.count), using: &random)
            bytes.replaceSubrange(at..., with: rest.dropFirst(length) + rest.prefix(length))
        case .truncated: if at > 0 { bytes.removeSubrange(at...) }
        default: bytes += pick(Attack.all).request.latin1
        }
    }

    /// Half of them bytes that mean something to a parser.
    private mutating func strangeByte() -> UInt8 {
        chance(50) ? pick([0, 9, 10, 11, 12, 13, 32, 44, 48, 58, 59, 127, 133, 160, 255]) : UInt8.random(in: 0...255, using: &random)
    }
}
