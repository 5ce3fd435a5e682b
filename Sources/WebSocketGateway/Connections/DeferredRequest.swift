internal import HTTP

/// A request that waits until everything before it is answered. An object: whether there is one is asked with every publish, and asking for an
/// optional head copies and destroys it.
final class DeferredRequest {
    let head: RequestHead
    let body: [UInt8]

    init(_ head: RequestHead, _ body: [UInt8]) {
        self.head = head
        self.body = body
    }
}
