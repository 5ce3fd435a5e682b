import Foundation

/// What llhttp and our parser read differently in one message that we accepted.
struct Disagreement: CustomStringConvertible {
    enum Aspect: Hashable {
        case method, target, version, fields, upgrade, keepAlive, trailers, body, end
        /// llhttp refused what we accepted: the head, the content, or content that we are waiting for the rest of.
        case headRefused, contentRefused, contentUnderWayRefused
    }

    let aspects: Set<Aspect>
    let message: Int
    /// Why it is meant to be.
    let known: Known?

    var description: String { "message \(message): " + aspects.map { "\($0)" }.sorted().joined(separator: ", ") }

    /// Everything that differs in what we accepted, up to where the two go on differently. What we refuse llhttp may accept.
    static func all(ours: Reading, theirs: Reading) -> [Disagreement] {
        var found: [Disagreement] = []
        for (number, mine) in ours.messages.enumerated() {
            guard number < theirs.messages.count else { return found + [Disagreement([.headRefused], number, mine)] }
            let yours = theirs.messages[number]
            let aspects = different(mine, yours).union(refused(mine, ours, yours, theirs))
            if aspects.isEmpty { continue }
            let disagreement = Disagreement(aspects, number, mine)
            found.append(disagreement)
            guard let known = disagreement.known, !known.endsComparison else { break }
        }
        return found
    }

    private init(_ aspects: Set<Aspect>, _ number: Int, _ mine: Reading.Message) {
        self.aspects = aspects
        message = number
        known = Known.all.first { aspects.isSubset(of: $0.aspects) && $0.explains(mine) }
    }

    private static func different(_ mine: Reading.Message, _ yours: Reading.Message) -> Set<Aspect> {
        var aspects: Set<Aspect> = []
        if mine.method != yours.method { aspects.insert(.method) }
        if mine.target != yours.target { aspects.insert(.target) }
        if mine.version != yours.version { aspects.insert(.version) }
        if mine.fields != yours.fields { aspects.insert(.fields) }
        if mine.upgrade != yours.upgrade { aspects.insert(.upgrade) }
        if mine.keepAlive != yours.keepAlive { aspects.insert(.keepAlive) }
        guard mine.end != nil, yours.end != nil else { return aspects }
        if mine.trailers != yours.trailers { aspects.insert(.trailers) }
        if mine.body != yours.body { aspects.insert(.body) }
        if mine.end != yours.end { aspects.insert(.end) }
        return aspects
    }

    /// Heads we judge by the line and may refuse later than llhttp. Content both judge by the byte: neither waits where the other has refused.
    private static func refused(_ mine: Reading.Message, _ ours: Reading, _ yours: Reading.Message, _ theirs: Reading) -> Set<Aspect> {
        if yours.end != nil { return [] }
        if mine.end != nil { return [.contentRefused] }
        return ours.error == nil && theirs.error != nil ? [.contentUnderWayRefused] : []
    }
}

extension Disagreement {
    /// A difference that is meant to be.
    struct Known: Sendable {
        let reason: String
        let aspects: Set<Aspect>
        /// Whether the two go on differently after the message.
        let endsComparison: Bool
        let explains: @Sendable (Reading.Message) -> Bool

        /// All of them, and none that does not happen: every run must meet each.
        static let all = [
            Known(
                reason: "a 1.0 client gets one answer per connection, also where it asks for more (RFC 9112 §9.3 leaves it to us)",
                aspects: [.keepAlive, .upgrade], endsComparison: true,
                explains: { $0.version == "HTTP/1.0" && !$0.keepAlive && !$0.upgrade }),
            Known(
                reason: "an upgrade to anything but WebSocket is an offer that we ignore (RFC 9110 §7.8); llhttp leaves that to the server",
                aspects: [.upgrade], endsComparison: false,
                explains: { !$0.upgrade && !$0.list("upgrade").contains("websocket") }),
            Known(
                reason: "Proxy-Connection is no field of HTTP (RFC 9112 appendix C.2.2), yet llhttp takes it for Connection",
                aspects: [.keepAlive, .upgrade], endsComparison: true,
                explains: { !$0.list("proxy-connection").isDisjoint(with: ["close", "upgrade"]) }),
        ]
    }
}

extension Reading.Message {
    /// The members of a field that is a list (RFC 9110 §5.6.1), in lower case.
    func list(_ lowercasedName: String) -> Set<String> {
        let values = stride(from: 0, to: fields.count, by: 2).filter { fields[$0].lowercased() == lowercasedName }.map { fields[$0 + 1] }
        let members = values.flatMap { $0.lowercased().split(separator: ",") }
        return Set(members.map { $0.trimmingCharacters(in: CharacterSet(charactersIn: " \t")) })
    }
}
