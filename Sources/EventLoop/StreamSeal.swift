/// What stands between a stream's socket and its owner, in both directions: TLS. It has no socket; the stream carries its bytes.
package protocol StreamSeal: AnyObject {
    /// Whether the peer's bytes may be read in this turn of the loop. Work may be put off to later turns: the bytes wait in the kernel.
    var mayReceive: Bool { get }
    /// Plaintext can be sent, and may be received.
    var isEstablished: Bool { get }

    /// Takes the peer's bytes; what was in them goes to `deliver`, which returns whether to go on.
    func receive(_ bytes: Span<UInt8>, deliver: (Span<UInt8>) -> Bool) -> SealResult

    /// Seals the first bytes, a record of them at most, and returns how many; nil when it cannot any more.
    func send(_ plaintext: Span<UInt8>) -> Int?
    /// Seals the word that nothing more comes.
    func sendEnd()

    /// Bytes for the socket: sealed, or the seal's own.
    var outputBytes: Int { get }
    func withOutput(_ send: (Span<UInt8>) -> SendResult) -> SendResult
    /// The socket has taken the first `count` of them.
    func sent(_ count: Int)
    /// The end of something that was sealed elsewhere, with what this one has for it: it goes before anything else.
    func keep(_ rest: Span<UInt8>)
}

/// What became of a peer's bytes.
package enum SealResult {
    case all
    /// The peer has said that nothing more comes.
    case ended
    /// They made no sense. What the seal says to it is in its output.
    case failed
}

/// A stream's seal, and what the stream has to remember for it.
final class Sealing {
    let seal: any StreamSeal
    /// The owner waits to be told that it may send.
    var wantsWritable = false
    /// FIN follows the last of the output.
    var finishes = false
    /// The peer has ended, and the owner hears of that when the output is gone.
    var endWaits = false

    /// The connection is thrown away, and nothing is to be said.
    var endsInSilence = false

    init(_ seal: any StreamSeal) { self.seal = seal }

    var hasOutput: Bool { seal.outputBytes > 0 }
}
