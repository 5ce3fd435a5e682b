/// The answers of one HTTP connection, in the order of its requests, whatever order they become ready in (RFC 9112 §9.3.2).
struct AnswerPipeline {
    private enum Place {
        case awaited(Awaited)
        case ready([UInt8])
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

    /// Moves the answers whose turn it is behind `output`'s content.
    mutating func takeReady(into output: inout [UInt8]) {
        var done = 0
        for place in places {
            guard case .ready(let bytes) = place else { break }
            output.append(contentsOf: bytes)
            done += 1
        }
        places.removeFirst(done)
        first += UInt64(done)
    }
}
