/// How much a peer may make us keep (RFC 6455 §10.4).
package struct WebSocketLimits: Sendable {
    /// Of one message, all fragments together, as it is sent and again as it is inflated. Commands are small; 64 KiB is generous. Beyond: 1009.
    package var messageBytesMax = 65_536
    /// Frames of one message, empty ones counted: they cost us work and their sender nothing. Beyond: 1008.
    package var fragmentsMax = 64

    package init() {}
}
