import WebSocket

/// What a server answers to our offer of permessage-deflate (RFC 7692 §7.1), judged as a client must.
///
/// Flow: ResponseHead → **DeflateAnswer** → ClientUpgrade
enum DeflateAnswer {
    /// §7.1: the client must fail the connection.
    enum Fault: Error, Equatable {
        case malformed
        /// Another extension than permessage-deflate, or that one twice.
        case notOffered
        case unknownParameter(String)
        case repeatedParameter(String)
        case invalidValue(String)
        /// Allowed, but not to us: one inflater serves all our connections and keeps nothing from one message to the next.
        case takesContextOver
    }

    /// False when the server answered nothing: it declines, and messages are not compressed.
    static func isAgreement(_ values: [String]) throws(Fault) -> Bool {
        guard let answers = try? ExtensionOffers.parse(values) else { throw .malformed }
        guard let answer = answers.first else {
            // §9.1 of RFC 6455: a header without an extension in it is not of the grammar.
            guard values.isEmpty else { throw .malformed }
            return false
        }
        guard answers.count == 1, answer.name == PermessageDeflate.name else { throw .notOffered }
        var seen: Set<String> = []
        for parameter in answer.parameters {
            guard seen.insert(parameter.name).inserted else { throw .repeatedParameter(parameter.name) }
            guard try isValid(parameter) else { throw .invalidValue(parameter.name) }
        }
        guard seen.contains("server_no_context_takeover") else { throw .takesContextOver }
        return true
    }

    private static func isValid(_ parameter: ExtensionOffer.Parameter) throws(Fault) -> Bool {
        switch parameter.name {
        case "server_no_context_takeover", "client_no_context_takeover": parameter.value == nil
        // §7.1.2: 8 to 15 without leading zeros; in an answer both have a value. The inflater's window is the largest, and we send no data.
        case "server_max_window_bits", "client_max_window_bits": (8...15).contains { String($0) == parameter.value }
        default: throw .unknownParameter(parameter.name)
        }
    }
}

extension DeflateAnswer.Fault {
    /// What the answer does, for people.
    var reason: String {
        switch self {
        case .malformed: "has extensions that are not of the grammar"
        case .notOffered: "agrees to something that was not offered"
        case .unknownParameter(let name): "agrees on permessage-deflate with an unknown parameter, \(name)"
        case .repeatedParameter(let name): "agrees on permessage-deflate with \(name) twice"
        case .invalidValue(let name): "agrees on permessage-deflate with an invalid value of \(name)"
        case .takesContextOver: "does not agree to server_no_context_takeover, without which messages cannot be inflated each on its own"
        }
    }
}
