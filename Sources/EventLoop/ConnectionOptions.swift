/// What every connection of a listener has from its beginning: its socket starts as a copy of the listener's, so that the kernel is not asked for
/// each. Besides these Nagle's delay is off: an event is one small write, which would wait for the acknowledgement of the one before.
package struct ConnectionOptions: Sendable {
    /// How much unsent data the kernel takes before it calls a socket full. What waits there no policy reaches. Linux; nil: no bound.
    package var unsentLowWaterBytes: Int32?
    /// The kernel's send buffer; nil leaves it to the kernel. Tests make sockets slow by it.
    package var sendBufferBytes: Int32?

    package init(unsentLowWaterBytes: Int32? = nil, sendBufferBytes: Int32? = nil) {
        self.unsentLowWaterBytes = unsentLowWaterBytes
        self.sendBufferBytes = sendBufferBytes
    }
}
