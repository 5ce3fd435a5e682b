/// One event to publish to a session: a type, an object of data, and if wanted a timestamp and a conflation key.
public struct Event: Sendable, Equatable {
    /// The longest `key`, in bytes of UTF-8.
    public static let keyBytesMax = 256

    public let type: EventType

    /// One JSON object, as it reaches the clients byte for byte.
    package let data: [UInt8]

    /// When it happened, in the publisher's own words, which clients get untouched. Without one the gateway gives the event
    /// the time it was published, in microseconds, strictly increasing within the session.
    public let timestamp: String?

    /// What the event is about, where a session keeps only the latest event of each key for slow clients. Clients do not see it.
    public let key: String?

    /// - Parameter key: 1 to 256 bytes of UTF-8; anything else is refused when the event is published.
    public init(type: EventType, data: JSONObject, timestamp: String? = nil, key: String? = nil) {
        var bytes: [UInt8] = []
        data.appendEncoded(to: &bytes)
        self.init(type: type, checked: bytes, timestamp: timestamp, key: key)
    }

    /// An event whose data is JSON text already, which clients get byte for byte.
    /// - Throws: ``InvalidEvent`` unless `rawData` is one JSON object (strictly by RFC 8259, in UTF-8, nested at most 63 levels,
    ///   no whitespace around it) and `key` has 1 to 256 bytes.
    public init(type: EventType, rawData: [UInt8], timestamp: String? = nil, key: String? = nil) throws(InvalidEvent) {
        self.init(type: type, checked: rawData, timestamp: timestamp, key: key)
        try check()
    }

    init(type: EventType, checked data: [UInt8], timestamp: String? = nil, key: String? = nil) {
        self.type = type
        self.data = data
        self.timestamp = timestamp
        self.key = key
    }

    /// Holds the event to the rules a published body is held to. A `JSONObject` can be nested too deep or too large as well.
    package func check(limits: EventLimits = EventLimits()) throws(InvalidEvent) {
        do throws(EventFault) {
            try checkData(limits)
            if let key, key.isEmpty || key.utf8.count > Self.keyBytesMax { throw EventFault.rule(.conflationKeyLength, offset: 0) }
        } catch {
            throw InvalidEvent(error, in: data.span, format: .json)
        }
    }

    private func checkData(_ limits: EventLimits) throws(EventFault) {
        guard data.first == UInt8(ascii: "{") else { throw .rule(.dataIsObject, offset: 0) }
        guard data.count <= limits.eventBytesMax else { throw .rule(.eventFits, offset: 0) }
        var scanner = JSONScanner()
        do throws(JSONFault) {
            let value = try scanner.value(data.span, depthMax: limits.depthMax - 1)
            guard value.range.upperBound == data.count else { throw JSONFault(reason: .textAfterValue, offset: value.range.upperBound) }
        } catch { throw .syntax(error) }
    }
}
