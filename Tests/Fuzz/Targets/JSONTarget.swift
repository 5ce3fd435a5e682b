import Sessions

/// Input: a JSON text.
enum JSONTarget: FuzzTarget {
    static let name = "json"

    static func run(_ input: [UInt8]) {
        let scanned = scan(input)
        do throws(InvalidJSON) {
            let value = try JSON.parse(input.span)
            if case .failure(let fault) = scanned { fatalError("broken rule: the scanner accepts what the reader does, not \(fault)") }
            requireFixedPoint(value)
        } catch {
            require((0...input.count).contains(error.offset), "an error is at a byte of the text, or at its end")
            require(error.place.utf8.count <= JSONPlace.bytesMax * 2, "an error's place is short")
            require(!error.description.utf8.contains { $0 < 0x20 }, "an error's message is clean")
            switch scanned {
            case .success:
                requireEqual(
                    error.reason, JSONFault.Reason.numberOutOfRange.description, "the reader refuses no more than numbers out of range")
            case .failure(let fault) where error.reason != JSONFault.Reason.numberOutOfRange.description:
                requireEqual(error, InvalidJSON(fault, in: input.span), "both find the same fault")
            case .failure(let fault): require(error.offset <= fault.offset, "a number is refused where it stands")
            }
        }
        requireSameAsRawData(input, scanned)
    }

    private static func scan(_ text: [UInt8]) -> Result<JSONValueToken, JSONFault> {
        do throws(JSONFault) {
            var scanner = JSONScanner()
            let token = try scanner.document(text.span)
            require(scanner.position == text.count, "a document ends at the text's end")
            require(!token.range.isEmpty && token.range.upperBound <= text.count, "a value stands in its text")
            require(text.isValidUTF8, "a document is UTF-8")
            return .success(token)
        } catch {
            require((0...text.count).contains(error.offset), "a fault is at a byte of the text, or at its end")
            return .failure(error)
        }
    }

    private static func requireFixedPoint(_ value: JSON) {
        let encoded = value.encoded
        do throws(InvalidJSON) {
            let again = try JSON.parse(encoded)
            requireEqual(Array(again.encoded.utf8), Array(encoded.utf8), "what is encoded is read and encoded the same")
            require(again == value && again.hashValue == value.hashValue, "what is encoded reads back equal")
        } catch {
            fatalError("broken rule: what is encoded is JSON, not \(error)")
        }
        requireLookups(value)
    }

    private static func requireLookups(_ value: JSON) {
        guard let object = value.objectValue else { return }
        for key in object.keys.prefix(8) {
            guard let last = object.members.last(where: { Array($0.key.utf8) == Array(key.utf8) }) else { fatalError("a key of its own") }
            require(object[key].map { $0.encoded == last.value.encoded } ?? false, "a lookup finds the last member of that name")
            var changed = object
            changed[key] = nil
            require(changed[key] == nil && changed.count < object.count, "a removed member is gone")
            changed[key] = .int(1)
            require(changed[key] == .int(1), "a member that was set is found")
        }
    }

    /// `Event(rawData:)` takes exactly the objects without whitespace around, nested one level less.
    private static func requireSameAsRawData(_ text: [UInt8], _ scanned: Result<JSONValueToken, JSONFault>) {
        let isTaken = (try? Event(type: .candle, rawData: text)) != nil
        guard case .success(let token) = scanned, token.kind == .object, token.range == text.indices else {
            return require(!isTaken, "raw data is one object")
        }
        if !isTaken { require(depth(text) > JSONScanner.depthMax - 1, "an object is good as raw data unless it is nested too deep") }
    }

    private static func depth(_ text: [UInt8]) -> Int {
        var (depth, deepest) = (0, 0)
        var scanner = JSONScanner()
        while scanner.position < text.count {
            switch text[scanner.position] {
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "\""):
                guard (try? scanner.string(text.span)) != nil else { fatalError("a string of a checked document") }
                continue
            default: break
            }
            deepest = max(deepest, depth)
            scanner.position += 1
        }
        return deepest
    }
}
