/// The answers of one HTTP connection, in the order of its requests, whatever order they become ready in (RFC 9112 §9.3.2).
struct AnswerPipeline {
    private enum Place {
        case awaited(Awaited)
        case ready([UInt8])
        /// Written only when it leaves: nearly every publish's answer needs no bytes of its own.
        case published(SinglePublish, keepAlive: Bool)
    }

    /// What an answer still to come needs to know of its request.
    struct Awaited: Equatable {
        /// The body held several events.
        var isBatch = false
        let keepAlive: Bool
    }

    private var places: [Place] = []
    /// The number of the first place: places are numbered from the connection's beginning.
    private var first: UInt64 = 0

    var isEmpty: Bool { places.isEmpty }

    /// Takes the next place for an answer that is there already, an interim one included.
    mutating func add(_ bytes: [UInt8]) { places.append(.ready(bytes)) }

    /// Takes the next place for an answer to come, and returns its number.
    mutating func reserve(_ awaited: Awaited) -> UInt64 {
        places.append(.awaited(awaited))
        return first + UInt64(places.count - 1)
    }

    /// What waits at `number`; nil when it was answered, or never reserved.
    func awaited(_ number: UInt64) -> Awaited? {
        guard number >= first, number - first < UInt64(places.count), case .awaited(let awaited) = places[Int(number - first)] else {
            return nil
        }
        return awaited
    }

    /// Answers the place; ignored where nothing waits.
    mutating func fill(_ number: UInt64, _ bytes: [UInt8]) {
        guard awaited(number) != nil else { return }
        places[Int(number - first)] = .ready(bytes)
    }

    /// As ``fill(_:_:)``, with what became of a publish.
    mutating func fill(_ number: UInt64, _ publish: SinglePublish, keepAlive: Bool) {
        guard awaited(number) != nil else { return }
        places[Int(number - first)] = .published(publish, keepAlive: keepAlive)
    }

    /// Moves the answers whose turn it is behind `output`'s content. `date` is asked for at most once: a whole header line.
    mutating func takeReady(into output: inout [UInt8], date: () -> [UInt8]) {
        let done = places.firstIndex { if case .awaited = $0 { true } else { false } } ?? places.count
        guard done > 0 else { return }
        var dateLine: [UInt8] = []
        for index in 0..<done {
            switch places[index] {
            case .ready(let bytes): output.append(contentsOf: bytes)
            case .published(let publish, let keepAlive):
                if dateLine.isEmpty {
                    dateLine = date()
                    output.reserveCapacity(output.count + (done - index) * (PublishAnswer.bytesMax + dateLine.count))
                }
                PublishAnswer(receipt: publish.receipt, isBatch: false, isEarly: false).append(
                    to: &output, keepAlive: keepAlive, date: dateLine)
            case .awaited: break
            }
        }
        places.removeFirst(done)
        first += UInt64(done)
    }
}
