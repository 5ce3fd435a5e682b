import Foundation
import Sessions
import Testing

@Suite struct JSONPropertyTests {
    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func `what is encoded is accepted and reads back the same`(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<400 {
            let value = RandomJSON.value(&generator)
            let text = value.encoded
            #expect(try JSON.parse(text) == value, "seed \(seed): \(text)")
        }
    }

    /// The oracle is Foundation's parser, which is as lenient as we are or more: what we accept it must accept, as the same value.
    @Test(arguments: [11, 12, 13, 14, 15, 16] as [UInt64])
    func `damaged documents trap nothing, and what is still accepted a second parser accepts as the same`(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var accepted = 0
        for _ in 0..<1_500 {
            var bytes = Array(RandomJSON.value(&generator).encoded.utf8)
            RandomJSON.damage(&bytes, &generator)
            let isAccepted = scannerAccepts(bytes)
            guard let value = try? JSON.parse(bytes.span) else {
                #expect(!isAccepted || hasHugeNumber(bytes), "seed \(seed): \(bytes)")
                continue
            }
            accepted += 1
            #expect(isAccepted, "seed \(seed): \(bytes)")
            // Foundation refuses lone surrogates and control characters in places: its own strictness, not ours.
            guard !String(decoding: bytes, as: UTF8.self).lowercased().contains("\\ud") else { continue }
            let oracle = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            let found = try #require(oracle, "seed \(seed): \(bytes)")
            #expect(isSame(value, found), "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
        }
        #expect(accepted > 100)
    }

    @Test(arguments: [21, 22, 23, 24] as [UInt64])
    func `damaged publish bodies and commands trap nothing`(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var accepted = 0
        for _ in 0..<1_500 {
            let event = "{\"type\":\"candle\",\"data\":\(RandomJSON.object(&generator).encoded),\"timestamp\":\"t\",\"key\":\"k\"}"
            let bodies = [event, "[\(event),{\"type\":\"x\",\"data\":{}}]", "{\"type\":\"x\",\"data\":{}}\r\n\n\(event)\n"]
            var bytes = Array(bodies[Int.random(in: 0..<3, using: &generator)].utf8)
            RandomJSON.damage(&bytes, &generator)
            for format in [PublishFormat.json, .ndjson] {
                do {
                    for event in try EventParser.parse(bytes.span, format: format).events {
                        accepted += 1
                        #expect(bytes[event.dataRange].first == UInt8(ascii: "{") && bytes[event.dataRange].last == UInt8(ascii: "}"))
                        #expect(scannerAccepts(Array(bytes[event.dataRange])))
                    }
                } catch {
                    #expect((0...bytes.count).contains(error.offset))
                    #expect(error.place.utf8.count <= JSONPlace.bytesMax + 200)
                }
            }
            var command = Array("{\"action\":\"\\u0070ause\",\"ref\":\"1\",\"x\":\(RandomJSON.value(&generator).encoded)}".utf8)
            RandomJSON.damage(&command, &generator)
            if let command = try? ClientCommand.parse(command.span) { #expect((1...64).contains(command.action.utf8.count)) }
        }
        #expect(accepted > 100)
    }

    private func scannerAccepts(_ bytes: [UInt8]) -> Bool {
        var scanner = JSONScanner()
        return (try? scanner.document(bytes.span)) != nil
    }

    /// `JSON.parse` refuses what no double holds; the scanner passes it on.
    private func hasHugeNumber(_ bytes: [UInt8]) -> Bool {
        do {
            _ = try JSON.parse(bytes.span)
            return false
        } catch { return error.reason == JSONFault.Reason.numberOutOfRange.description }
    }

    private func isSame(_ value: JSON, _ oracle: Any) -> Bool {
        switch value {
        case .null: return oracle is NSNull
        case .bool(let bool): return (oracle as? Bool) == bool
        case .int, .double:
            guard let number = oracle as? NSNumber, let double = value.doubleValue else { return false }
            // Foundation reads numbers by way of its decimals, which is off by a few units in the last place.
            return abs(number.doubleValue - double) <= abs(double) * 1e-13
        case .string(let string): return (oracle as? String) == string
        case .array(let array):
            guard let other = oracle as? [Any], other.count == array.count else { return false }
            return zip(array, other).allSatisfy { isSame($0, $1) }
        case .object(let object):
            guard let other = oracle as? [String: Any] else { return false }
            // Which of two members of one name counts is not the oracle's to say.
            guard Set(object.keys).count == object.count else { return true }
            return other.count == object.count && object.members.allSatisfy { key, value in other[key].map { isSame(value, $0) } ?? false }
        }
    }
}
