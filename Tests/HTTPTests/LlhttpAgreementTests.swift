import Foundation
import HTTP
import Testing

/// Whatever we accept, a parser that the world relies on accepts, and reads in the same way: method, target, every field, content, where the
/// message ends, whether the connection stays, and what it becomes. We may refuse more, and do.
@Suite("Agreement with llhttp", .timeLimit(.minutes(60))) struct LlhttpAgreementTests {
    /// LLHTTP_AGREEMENT_CASES=1000000 makes a longer run, LLHTTP_AGREEMENT_SEED repeats one: a failure prints it.
    private let count = setting("LLHTTP_AGREEMENT_CASES").map(Int.init) ?? casesMin
    private let seed = setting("LLHTTP_AGREEMENT_SEED") ?? .random(in: .min ... .max)
    private static let casesMin = 20_000

    private static func setting(_ name: String) -> UInt64? { ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) } }

    @Test func `what we accept of a generated corpus, llhttp accepts and reads in the same way`() async throws {
        try #require(count >= Self.casesMin, "fewer cases prove nothing")
        var volumes = Volume.all(seed: seed, count: count)[...]
        var tally = Tally()
        // Two at a time: while node judges one, we make and read another.
        try await withThrowingTaskGroup { group in
            for volume in volumes.prefix(2) { group.addTask { try await judge(volume) } }
            volumes = volumes.dropFirst(2)
            for try await part in group {
                tally = tally + part
                if let volume = volumes.popFirst() { group.addTask { try await judge(volume) } }
            }
        }
        print("Agreement with llhttp: \(tally)")
        expectEffect(tally)
    }

    /// The corpus exercises both parsers, and every rule of ours. Of a hundred cases, 52 are usually accepted whole, and we alone refuse 10;
    /// llhttp 9 refuses 35, llhttp 6 33.
    private func expectEffect(_ tally: Tally) {
        let cases = Double(tally.cases)
        #expect(tally.cases == count)
        #expect(Double(tally.accepted) > 0.4 * cases, "of the corpus, too little is accepted: \(tally)")
        #expect(Double(tally.refusedByLlhttp) > 0.2 * cases, "llhttp refuses too little: \(tally)")
        #expect(Double(tally.refusedByUsAlone) > 0.05 * cases, "we alone refuse too little: \(tally)")
        for mutation in Mutation.allCases {
            let effect = tally.effects[mutation, default: Tally.Effect()]
            #expect(Double(effect.cases) > 0.001 * cases, "\(mutation) is too rare: \(effect)")
            switch mutation {
            case .fieldsShuffled, .fieldNameCase: #expect(effect.bites == 0, "\(mutation) must mean nothing (RFC 9110 §5.1, §5.3)")
            // Means something to llhttp alone: a known disagreement, which must be met as well.
            case .proxyConnection: break
            default: #expect(Double(effect.bites) > 0.05 * Double(effect.cases), "\(mutation) does next to nothing: \(effect)")
            }
        }
        let ofResponses: [HTTPViolation] = [.statusLineMalformed, .statusLineTooLong, .responseLengthUnknown]
        for violation in HTTPViolation.allCases where !ofResponses.contains(violation) {
            #expect(tally.violations["\(violation)"] != nil, "no case breaks \(violation)")
        }
        for known in Disagreement.Known.all { #expect(tally.known[known.reason] != nil, "does not happen any more: \(known.reason)") }
    }

    private func judge(_ volume: Volume) async throws -> Tally {
        var splits = SeededGenerator(seed: volume.seed)
        let cases = volume.cases()
        // Other tests wait for these threads, too.
        await Task.yield()
        let ours = cases.map { Reading.ours([$0.bytes]) }
        await Task.yield()
        for (each, reading) in zip(cases, ours) where Reading.ours(each.bytes.randomPieces(&splits)) != reading {
            Issue.record("other pieces, another reading: seed \(seed), \(String(latin1: each.bytes).debugDescription)")
        }
        let theirs = try await Llhttp().read(cases.map(\.bytes), ours: ours).readings
        var tally = Tally()
        var failures: [String] = []
        for (index, each) in cases.enumerated() {
            let disagreements = Disagreement.all(ours: ours[index], theirs: theirs[index])
            tally.add(each.mutations, ours: ours[index], theirs: theirs[index], disagreements)
            failures += explanations(disagreements, each.bytes, ours[index], theirs[index])
        }
        for failure in failures.prefix(5) { Issue.record("seed \(seed): \(failure)") }
        #expect(failures.count == 0, "\(failures.count) of \(cases.count) cases are read differently")
        return tally
    }

    private func explanations(_ disagreements: [Disagreement], _ bytes: [UInt8], _ ours: Reading, _ theirs: Reading) -> [String] {
        disagreements.filter { $0.known == nil }.map {
            "\($0)\n\(String(latin1: bytes).debugDescription)\nours:\(ours)\nllhttp's:\(theirs)"
        }
    }

    private func expectAgreement(_ requests: [String]) async throws -> (ours: [Reading], theirs: [Reading]) {
        let cases = requests.map(\.latin1)
        let ours = cases.map { Reading.ours([$0]) }
        let theirs = try await Llhttp().read(cases, ours: ours).readings
        for (index, bytes) in cases.enumerated() {
            let disagreements = Disagreement.all(ours: ours[index], theirs: theirs[index])
            for failure in explanations(disagreements, bytes, ours[index], theirs[index]) { Issue.record("\(failure)") }
        }
        return (ours, theirs)
    }

    @Test func `llhttp reads the requests of our other tests as we do`() async throws {
        func bytes(_ text: String) -> String { String(latin1: [UInt8](text.utf8)) }
        let valid = try await expectAgreement(Corpus.valid.map(bytes))
        #expect(valid.ours.allSatisfy { $0.error == nil && !$0.messages.isEmpty })
        // With something accepted before, so that there is something to compare.
        let before = "GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n\r\n"
        let hostile = try await expectAgreement(Corpus.hostile.map { bytes(before + $0.request) })
        #expect(hostile.ours.allSatisfy { $0.error != nil && $0.messages.count >= 2 })
        #expect(hostile.theirs.count { $0.error != nil } > Corpus.hostile.count / 3)
    }

    @Test func `every known attack is refused, and what comes before it is read as llhttp reads it`() async throws {
        let before = "GET /before HTTP/1.1\r\nHost: a\r\n\r\n"
        let (ours, theirs) = try await expectAgreement(Attack.all.map { before + $0.request })
        for (attack, reading) in zip(Attack.all, ours) { #expect(reading.error != nil, "\(attack): \(reading)") }
        #expect(theirs.count { $0.error != nil } > Attack.all.count / 2)
        #expect(theirs.allSatisfy { $0.messages.first?.target == "/before" })
    }

    @Test func `a difference in any one thing is told`() async throws {
        let request =
            "POST /a?b HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
            + "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        let (ours, theirs) = try await expectAgreement([request])
        #expect(ours == theirs && ours[0].messages.count == 2)

        func aspects(_ change: (inout Reading.Message) -> Void) -> [Set<Disagreement.Aspect>] {
            var changed = ours[0]
            change(&changed.messages[0])
            return Disagreement.all(ours: changed, theirs: theirs[0]).map(\.aspects)
        }
        #expect(aspects { _ in }.isEmpty)
        #expect(aspects { $0.method = "PUT" } == [[.method]])
        #expect(aspects { $0.target = "/a" } == [[.target]])
        #expect(aspects { $0.version = "HTTP/1.0" } == [[.version]])
        #expect(aspects { $0.fields[0] = "host" } == [[.fields]])
        #expect(aspects { $0.fields.swapAt(3, 5) } == [[.fields]])
        #expect(aspects { $0.fields.removeLast(2) } == [[.fields]])
        #expect(aspects { $0.upgrade = true } == [[.upgrade]])
        #expect(aspects { $0.keepAlive = false } == [[.keepAlive]])
        #expect(aspects { $0.trailers = ["X", "y"] } == [[.trailers]])
        #expect(aspects { $0.body = "aGkK" } == [[.body]])
        #expect(aspects { $0.end! += 1 } == [[.end]])

        var theirsShort = theirs[0]
        theirsShort.error = "HPE_INVALID_CHUNK_SIZE"
        theirsShort.messages.removeLast()
        #expect(Disagreement.all(ours: ours[0], theirs: theirsShort).map(\.aspects) == [[.headRefused]])
        (theirsShort.messages[0].body, theirsShort.messages[0].end) = (nil, nil)
        #expect(Disagreement.all(ours: ours[0], theirs: theirsShort).map(\.aspects) == [[.contentRefused]])
        var oursWaiting = ours[0]
        oursWaiting.messages = theirsShort.messages
        #expect(Disagreement.all(ours: oursWaiting, theirs: theirsShort).map(\.aspects) == [[.contentUnderWayRefused]])
    }

    @Test func `llhttp's end of a message is the end, not where we would have it`() async throws {
        let cases = [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
        ].map(\.latin1)
        let ours = cases.map { Reading.ours([$0]) }
        #expect(try await Llhttp().read(cases, ours: ours).readings.map { $0.messages.map(\.end) } == ours.map { $0.messages.map(\.end) })
        for offset in [-2, -1, 1, 2] {
            var wrong = ours
            wrong[0].messages[0].end! += offset
            if offset < 0 { wrong[1].messages[0].end! += offset }
            let theirs = try await Llhttp().read(cases, ours: wrong).readings
            #expect(theirs[0].messages[0].end != wrong[0].messages[0].end)
            #expect(offset > 0 || theirs[1].messages[0].end != wrong[1].messages[0].end)
        }
    }

    @Test func `without node the failure says what to do`() async {
        await #expect {
            try await Llhttp(node: "no-such-node").read([], ours: [])
        } throws: {
            "\($0)".contains("Install it (Debian: nodejs)")
        }
    }
}
