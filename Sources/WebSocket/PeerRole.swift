/// Who we are: a server expects masked frames, a client unmasked ones (RFC 6455 §5.1).
package enum PeerRole: Sendable {
    case server
    case client
}
