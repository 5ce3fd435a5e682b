/// The protocol's rules for a published event, beyond its being JSON. One case per rule, as docs/PROTOCOL.md lists them.
enum EventRule: Sendable, Equatable, CaseIterable {
    case bodyIsEventOrArray
    case eventIsObject
    case idIsTheGateways
    case keyIsKnown
    case keyIsUnescaped
    case keyIsUnique
    case typeIsPresent
    case typeIsString
    case typeIsWellFormed
    case typeIsNotReserved
    case dataIsPresent
    case dataIsObject
    case timestampIsString
    case conflationKeyIsString
    case conflationKeyLength
    case batchIsNotEmpty
    case eventFits
    case batchFits

    var code: InvalidEvent.Code {
        switch self {
        case .typeIsNotReserved: .reservedType
        case .batchIsNotEmpty: .emptyBatch
        case .eventFits: .eventTooLarge
        case .batchFits: .batchTooLarge
        default: .invalidEvent
        }
    }

    var reason: String {
        switch self {
        case .bodyIsEventOrArray: "a publish body is an event (an object) or an array of events"
        case .eventIsObject: "an event is an object"
        case .idIsTheGateways: "ids are the gateway's to give: an event is published without one"
        case .keyIsKnown: "an event has type, data, timestamp and key, nothing else"
        case .keyIsUnescaped: "an event's keys are written without escapes"
        case .keyIsUnique: "the key stands twice"
        case .typeIsPresent: "an event has a type"
        case .typeIsString: "a type is a string"
        case .typeIsWellFormed: "a type matches [a-z][a-z0-9_]{0,63}, written without escapes"
        case .typeIsNotReserved: "connected, conflated, lost and closed are the gateway's own words"
        case .dataIsPresent: "an event has data"
        case .dataIsObject: "data is an object"
        case .timestampIsString: "a timestamp is a string"
        case .conflationKeyIsString: "a key is a string"
        case .conflationKeyLength: "a key has 1 to \(Event.keyBytesMax) bytes"
        case .batchIsNotEmpty: "there is no event to publish"
        case .eventFits: "the event is larger than the limit"
        case .batchFits: "there are more events than one batch may have"
        }
    }
}
