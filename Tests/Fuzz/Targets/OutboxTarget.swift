import Sessions

/// Input: operations, one byte each and its operands. A plain queue of byte arrays says what must be.
enum OutboxTarget: FuzzTarget {
    static let name = "outbox"

    static func run(_ input: [UInt8]) {
        var outbox = Outbox()
        var model = Model()
        // Longer runs only repeat themselves, slowly.
        var operations = input.prefix(128).makeIterator()
        var serial: UInt8 = 0
        while let operation = operations.next() {
            let operand = Int(operations.next() ?? 0)
            serial &+= 1
            let message = [UInt8](repeating: serial, count: 1 + operand % 40)
            // Of a message that finds nobody waiting, the kernel may have a part, or all of it.
            let sent = outbox.isEmpty ? (operand / 40) % (message.count + 1) : 0
            switch operation % 8 {
            case 0, 1:
                outbox.append(message, sent: sent)
                model.append(message, sent: sent)
            case 2:
                if operand % 3 == 0 {
                    outbox.insertClose(message)
                    _ = model.insert(message, .close)
                } else {
                    requireEqual(outbox.insertPong(message), model.insert(message, .pong), "a pong tells by how much more waits")
                }
            case 3, 4, 5:
                let count = operation % 8 == 5 ? outbox.bytes : min(operand, outbox.bytes)
                requireEqual(outbox.consume(count), model.consume(count), "consuming tells the messages it finished")
            case 6: requireEqual(outbox.dropMessagesNotBegun(), model.dropMessagesNotBegun(), "dropping tells the messages it dropped")
            default:
                // Enough for the outbox to clear away what is done.
                for _ in 0..<operand {
                    outbox.append([serial])
                    model.append([serial], sent: 0)
                }
            }
            requireSame(outbox, model, operand)
        }
    }

    private static func requireSame(_ outbox: Outbox, _ model: Model, _ operand: Int) {
        let waiting = model.entries.flatMap(\.rest)
        requireEqual(outbox.bytes, waiting.count, "the bytes that wait")
        requireEqual(outbox.messages, model.entries.count, "the messages that wait")
        require(outbox.isEmpty == waiting.isEmpty, "empty is when nothing waits")
        for max in [operand, waiting.count + 1] {
            var gathered: [UInt8] = [0xFF]
            outbox.gather(into: &gathered, max: max)
            requireEqual(gathered, [0xFF] + waiting.prefix(max), "what is gathered is what waits, in order")
        }
    }

    private struct Model {
        struct Entry {
            var rest: [UInt8]
            var isBegun: Bool
            let kind: Kind
        }

        enum Kind { case message, pong, close }

        var entries: [Entry] = []

        mutating func append(_ message: [UInt8], sent: Int) {
            if sent == message.count { return }
            entries.append(Entry(rest: Array(message[sent...]), isBegun: sent > 0, kind: .message))
        }

        mutating func insert(_ frame: [UInt8], _ kind: Kind) -> Int {
            if kind == .pong, let waiting = entries.firstIndex(where: { $0.kind == .pong && !$0.isBegun }) {
                defer { entries[waiting].rest = frame }
                return frame.count - entries[waiting].rest.count
            }
            let place = entries.firstIndex { !$0.isBegun && $0.kind == .message } ?? entries.count
            entries.insert(Entry(rest: frame, isBegun: false, kind: kind), at: place)
            return frame.count
        }

        mutating func consume(_ count: Int) -> Int {
            var left = count
            let finished = entries.prefix { entry in
                if left < entry.rest.count { return false }
                left -= entry.rest.count
                return true
            }.count
            entries.removeFirst(finished)
            if left > 0 {
                entries[0].rest.removeFirst(left)
                entries[0].isBegun = true
            }
            return finished
        }

        mutating func dropMessagesNotBegun() -> Int {
            let before = entries.count
            entries.removeAll { !$0.isBegun && $0.kind == .message }
            return before - entries.count
        }
    }
}
