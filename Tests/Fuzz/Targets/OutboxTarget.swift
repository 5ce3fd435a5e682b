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
        var (sequence, now) = (UInt64(0), UInt64(0))
        while let operation = operations.next() {
            let operand = Int(operations.next() ?? 0)
            serial &+= 1
            let message = [UInt8](repeating: serial, count: 1 + operand % 40)
            // Of a message that finds nobody waiting, the kernel may have a part, or all of it.
            let sent = outbox.isEmpty ? (operand / 40) % (message.count + 1) : 0
            switch operation % 10 {
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
                let count = operation % 10 == 5 ? outbox.bytes : min(operand, outbox.bytes)
                outbox.announce(within: count, Model.announcement)
                model.announce(within: count)
                requireEqual(outbox.consume(count), model.consume(count), "consuming tells the messages it finished")
            case 6: requireEqual(outbox.dropMessagesNotBegun(), model.dropMessagesNotBegun(), "dropping tells the messages it dropped")
            case 7:
                // Latest events of a few keys, with holes between their ids, while time passes; never more than there may be ranges.
                now += UInt64(operand)
                for number in 0..<(1 + operand / 17) {
                    sequence += 1 + UInt64(operand & 1)
                    let key = (number + operand) % keys.count
                    let id = EventID(epoch: epoch, sequence: sequence)
                    let leftOut = outbox.append([serial, serial], id: id, key: keys[key], now: now)
                    requireEqual(leftOut, model.append([serial, serial], sequence, key, now: now), "appending tells what was left out")
                }
            case 8:
                outbox.pinWhatWaits()
                for index in model.entries.indices { model.entries[index].isPinned = true }
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
        requireEqual(outbox.messages, model.entries.count { $0.kind != .leftOut }, "the messages that wait")
        require(outbox.isEmpty == waiting.isEmpty, "empty is when nothing waits")
        for max in [operand, waiting.count + 1] {
            var gathered: [UInt8] = [0xFF]
            outbox.gather(into: &gathered, max: max)
            requireEqual(gathered, [0xFF] + waiting.prefix(max), "what is gathered is what waits, in order")
        }
    }

    private static let epoch = try! Epoch(parsing: "0123456789abc")

    private static let keys: [ConflationKey] = (0..<5).map { number in
        let body = Array(#"{"type":"price_update","data":{},"key":"\#(number)"}"#.utf8)
        let event = try! EventParser.parse(body.span, format: .json).events[0]
        return DeliveryPolicies().key(of: event, in: body.span)!
    }

    private struct Model {
        struct Entry {
            var rest: [UInt8]
            var isBegun: Bool
            let kind: Kind
            var key: Int?
            var sequence: UInt64 = 0
            var isPinned = false
        }

        enum Kind { case message, pong, close, leftOut }

        var entries: [Entry] = []
        /// When what waits of a key, and what was left out for it, began to wait.
        var since: [Int: UInt64] = [:]

        static func announcement(_ omission: Omission) -> [UInt8] {
            omission.ranges.flatMap { [UInt8(truncatingIfNeeded: $0.lowerBound), UInt8(truncatingIfNeeded: $0.upperBound), 0xEE] }
        }

        mutating func append(_ message: [UInt8], _ sequence: UInt64, _ key: Int, now: UInt64) -> UInt64? {
            var leftOut: UInt64?
            if let newest = entries.lastIndex(where: { $0.key == key }), !entries[newest].isBegun, !entries[newest].isPinned,
                now - since[key, default: 0] < 1000
            {
                leftOut = entries[newest].sequence
                entries[newest] = Entry(rest: [], isBegun: false, kind: .leftOut, sequence: entries[newest].sequence)
            } else {
                since[key] = now
            }
            entries.append(Entry(rest: message, isBegun: false, kind: .message, key: key, sequence: sequence))
            return leftOut
        }

        mutating func announce(within max: Int) {
            var (room, index) = (max, 0)
            while index < entries.count, room > 0 {
                var omission: Omission?
                while index < entries.count, entries[index].kind == .leftOut {
                    let more = Omission(EventID(epoch: epoch, sequence: entries.remove(at: index).sequence), type: "price_update")
                    if omission == nil { omission = more } else { omission?.append(more) }
                }
                if let omission { entries.insert(Entry(rest: Self.announcement(omission), isBegun: false, kind: .message), at: index) }
                room -= entries[index].rest.count
                index += 1
            }
        }

        mutating func append(_ message: [UInt8], sent: Int) {
            if sent == message.count { return }
            entries.append(Entry(rest: Array(message[sent...]), isBegun: sent > 0, kind: .message))
        }

        mutating func insert(_ frame: [UInt8], _ kind: Kind) -> Int {
            if kind == .pong, let waiting = entries.firstIndex(where: { $0.kind == .pong && !$0.isBegun }) {
                defer { entries[waiting].rest = frame }
                return frame.count - entries[waiting].rest.count
            }
            let place = entries.firstIndex { !$0.isBegun && ($0.kind == .message || $0.kind == .leftOut) } ?? entries.count
            entries.insert(Entry(rest: frame, isBegun: false, kind: kind), at: place)
            return frame.count
        }

        mutating func consume(_ count: Int) -> Int {
            var left = count
            let finished = entries.prefix { entry in
                if entry.kind == .leftOut || left < entry.rest.count { return false }
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
            entries.removeAll { $0.kind == .leftOut }
            let before = entries.count
            entries.removeAll { !$0.isBegun && $0.kind == .message }
            return before - entries.count
        }
    }
}
