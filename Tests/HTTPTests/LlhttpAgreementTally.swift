import HTTP

/// What a corpus did to the two parsers: one that does nothing must not pass for agreement.
struct Tally {
    struct Effect {
        /// Cases with this mutation and no other.
        var cases = 0
        /// Of them, those that we did not accept whole.
        var bites = 0
    }

    var cases = 0
    /// Whole messages only, and nothing refused.
    var accepted = 0
    var messages = 0
    var refusedByLlhttp = 0
    /// llhttp accepts all of it.
    var refusedByUsAlone = 0
    var violations: [String: Int] = [:]
    var known: [String: Int] = [:]
    var effects: [Mutation: Effect] = [:]

    mutating func add(_ mutations: [Mutation], ours: Reading, theirs: Reading, _ disagreements: [Disagreement]) {
        let isAccepted = ours.error == nil && ours.messages.last?.end != nil
        // Silence after the last message of a connection is no fault of its requests, and not all versions of llhttp insist on it.
        let isRefusedByLlhttp = theirs.error != nil && theirs.error != "HPE_CLOSED_CONNECTION"
        cases += 1
        messages += ours.messages.count
        accepted += isAccepted ? 1 : 0
        refusedByLlhttp += isRefusedByLlhttp ? 1 : 0
        refusedByUsAlone += ours.error != nil && theirs.error == nil ? 1 : 0
        if let error = ours.error { violations[error, default: 0] += 1 }
        for known in Set(disagreements.compactMap(\.known?.reason)) { self.known[known, default: 0] += 1 }
        guard mutations.count == 1 else { return }
        effects[mutations[0], default: Effect()].cases += 1
        effects[mutations[0]]!.bites += isAccepted ? 0 : 1
    }

    static func + (left: Tally, right: Tally) -> Tally {
        var sum = left
        sum.cases += right.cases
        sum.accepted += right.accepted
        sum.messages += right.messages
        sum.refusedByLlhttp += right.refusedByLlhttp
        sum.refusedByUsAlone += right.refusedByUsAlone
        sum.violations.merge(right.violations, uniquingKeysWith: +)
        sum.known.merge(right.known, uniquingKeysWith: +)
        sum.effects.merge(right.effects) { Effect(cases: $0.cases + $1.cases, bites: $0.bites + $1.bites) }
        return sum
    }
}

extension Tally: CustomStringConvertible {
    var description: String {
        "\(cases) cases with \(messages) requests read: \(accepted) accepted whole, \(refusedByLlhttp) refused by llhttp, \(refusedByUsAlone) by us alone; "
            + "known disagreements: \(known.values.sorted())"
    }
}
