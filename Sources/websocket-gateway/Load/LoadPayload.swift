import ArgumentParser

/// What the events of a load run are made of.
enum LoadPayload: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// One letter, over and over: costs nothing to make, says nothing about compression.
    case padding
    /// Candles with indicators, other numbers in every event: what engines publish, and what compression has to work with.
    case candles

    var eventType: StaticString {
        switch self {
        case .padding: "load"
        case .candles: "candle"
        }
    }

    /// Of an event's data. Padding: what the numbers at its beginning and the names take. Candles: besides, one whole candle.
    var dataBytesMin: Int {
        switch self {
        case .padding: 96
        case .candles: 640
        }
    }

    var dataBytesDefault: Int {
        switch self {
        case .padding: 256
        case .candles: 4096
        }
    }

    /// The end of the data, from the comma on, in exactly `count` bytes. The same for the same event, whoever asks and when.
    func filling(sequence: UInt64, count: Int) -> [UInt8] {
        switch self {
        case .padding: Self.padding(count)
        case .candles: CandleWalk.filling(sequence: sequence, count: count)
        }
    }

    private static func padding(_ count: Int) -> [UInt8] {
        let (front, back): (StaticString, StaticString) = (",\"padding\":\"", "\"}")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        bytes.append(text: front)
        bytes.append(contentsOf: repeatElement(UInt8(ascii: "x"), count: count - front.utf8CodeUnitCount - back.utf8CodeUnitCount))
        bytes.append(text: back)
        return bytes
    }
}
