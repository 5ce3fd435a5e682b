/// A part of the generated corpus that fits in memory: its seed makes the same cases again.
struct Volume: Sendable {
    struct Case {
        let bytes: [UInt8]
        let mutations: [Mutation]
    }

    let seed: UInt64
    let count: Int

    static let casesMax = 500

    /// Of `count` cases in all, each volume with a seed of its own.
    static func all(seed: UInt64, count: Int) -> [Volume] {
        stride(from: 0, to: count, by: casesMax).map { Volume(seed: seed &+ UInt64($0), count: min(casesMax, count - $0)) }
    }

    /// Begins with every known attack, as it is.
    func cases() -> [Case] {
        var grammar = RequestGrammar(seed: seed)
        var mutator = Mutator(seed: ~seed)
        let attacks = Attack.all.prefix(count).map { Case(bytes: $0.request.latin1, mutations: []) }
        return attacks + (attacks.count..<count).map { _ in make(&grammar, &mutator) }
    }

    private func make(_ grammar: inout RequestGrammar, _ mutator: inout Mutator) -> Case {
        var requests = grammar.connection()
        let plan = mutator.plan()
        var applied = plan.filter { Mutation.structural.contains($0) && mutator.apply($0, to: &requests) }
        var bytes = requests.map(\.text).joined().latin1
        for mutation in plan where Mutation.ofBytes.contains(mutation) {
            mutator.apply(mutation, to: &bytes)
            applied.append(mutation)
        }
        return Case(bytes: bytes, mutations: applied)
    }
}
