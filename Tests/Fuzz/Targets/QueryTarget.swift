import HTTP

/// Input: a query, without its `?`.
enum QueryTarget: FuzzTarget {
    static let name = "query"

    static func run(_ input: [UInt8]) {
        let query = String(decoding: input, as: UTF8.self)
        do throws(QueryError) {
            let parameters = try QueryParameters(query)
            requireSound(parameters, of: query)
            let again: QueryParameters
            do throws(QueryError) { again = try QueryParameters(encoded(parameters)) } catch {
                fatalError("broken rule: parameters read back when encoded again, not \(error)")
            }
            requireEqual(bytes(again), bytes(parameters), "parameters read back the same when encoded again")
        } catch {
            require(error.message.utf8.count < 200 && !error.message.hasControlCharacters, "an error's message is short and clean")
        }
    }

    private static func requireSound(_ parameters: QueryParameters, of query: String) {
        let pieces = query.utf8.split(separator: UInt8(ascii: "&"))
        require(parameters.names.count == pieces.count, "every piece is a parameter")
        require(pieces.count <= QueryParameters.parametersMax, "there are no more parameters than the limit")
        require(Set(parameters.names.map { Array($0.utf8) }).count == parameters.names.count, "no name stands twice")
        for (name, piece) in zip(parameters.names, pieces) {
            require(!name.isEmpty, "a parameter has a name")
            guard !piece.contains(UInt8(ascii: "%")) else { continue }
            let rawValue = piece.drop { $0 != UInt8(ascii: "=") }.dropFirst()
            requireEqual(Array(parameters.first(name)!.utf8), Array(rawValue), "a value without escapes is taken as it stands")
        }
        require(parameters.first("no such parameter") == nil || query.contains("no"), "only what is there is found")
    }

    private static func bytes(_ parameters: QueryParameters) -> [[UInt8]] {
        parameters.names.flatMap { [Array($0.utf8), Array(parameters.first($0)!.utf8)] }
    }

    private static func encoded(_ parameters: QueryParameters) -> String {
        parameters.names.map { "\(encoded($0))=\(encoded(parameters.first($0)!))" }.joined(separator: "&")
    }

    /// Every byte escaped that RFC 3986 §2.3 does not call unreserved.
    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                String(UnicodeScalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: byte % 2 == 0)
            }
        }.joined()
    }
}
