import ArgumentParser

/// What the loaded server speaks. Everything but `gateway` is there for comparisons: the same events, readers, checks and clocks.
enum LoadDialect: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// This gateway's (docs/PROTOCOL.md): it gives ids and times, greets with `connected`, and answers a publish with a receipt.
    case gateway
    /// The same routes, mapped by nginx to nchan's: what is published arrives as it is, nobody greets, and any 2xx is the receipt.
    case nchan
    /// NATS' client protocol: over a WebSocket for readers, over TCP for publishers. What is published arrives as it is.
    case nats

    /// Events are composed here, with id and timestamp.
    var publishesWholeEvents: Bool { self != .gateway }

    /// The answer to a publish counts deliveries, and can be held against what arrived.
    var hasReceipts: Bool { self == .gateway }

    /// permessage-deflate is a message's own affair: frames of many messages, other ones for every reader, would have to be inflated each.
    var allowsDeflate: Bool { self != .nats }
}
