/// Why a query is not understood. The payload is the parameter's name.
package enum QueryError: Error, Sendable, Equatable {
    case tooMany
    case nameEmpty
    case escapeMalformed(String)
    case notUTF8(String)
    case duplicate(String)

    /// For people; names are cut, and without control characters.
    package var message: String {
        switch self {
        case .tooMany: "there are more than \(QueryParameters.parametersMax) query parameters"
        case .nameEmpty: "a query parameter has no name"
        case .escapeMalformed(let name): "the query parameter '\(Self.shown(name))' has a '%' that two hexadecimal digits do not follow"
        case .notUTF8(let name): "the query parameter '\(Self.shown(name))' is not UTF-8 once decoded"
        case .duplicate(let name): "the query parameter '\(Self.shown(name))' is given twice"
        }
    }

    private static func shown(_ name: String) -> String {
        String(String.UnicodeScalarView(name.unicodeScalars.prefix(64).map { $0.isASCII && UInt8(ascii: $0).isVisible ? $0 : "?" }))
    }
}
