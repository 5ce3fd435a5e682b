/// One decoder under fuzz: what must hold for every input a peer can send. A broken rule, a trap and a sanitizer's report are all findings.
protocol FuzzTarget: SendableMetatype {
    /// The folder of its corpus, and what `scripts/fuzz` calls it.
    static var name: String { get }

    static func run(_ input: [UInt8])
}

enum FuzzTargets {
    static let all: [any FuzzTarget.Type] = [
        AddressesTarget.self, ClientCommandTarget.self, EngineMessageTarget.self, EventsTarget.self, ExtensionOffersTarget.self,
        HandshakeTarget.self, IdentifiersTarget.self, InflaterTarget.self, JSONTarget.self, MessageReaderTarget.self, OutboxTarget.self,
        ProxyHeaderTarget.self, QueryTarget.self, RequestParserTarget.self, ResponseParserTarget.self, SettingsFileTarget.self,
        TLSServerTarget.self,
        TLSStreamTarget.self, TokenTarget.self,
    ]
}

/// Ends the run with `rule` when it does not hold. Not `precondition`, which says nothing where code is optimized.
func require(_ holds: Bool, _ rule: @autoclosure () -> String) {
    if !holds { fatalError("broken rule: \(rule())") }
}

func requireEqual<T: Equatable>(_ left: T, _ right: T, _ rule: @autoclosure () -> String) {
    if left != right { fatalError("broken rule: \(rule())\n  one:   \(left)\n  other: \(right)") }
}
