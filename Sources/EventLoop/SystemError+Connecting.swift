internal import CLibuv

/// What keeps a client from connecting, where it can be told what to do about it.
extension SystemError {
    /// Nothing listens there.
    package var isConnectionRefused: Bool { errno == ECONNREFUSED }
    /// Every local port to that address is taken, or was so a moment ago.
    package var isOutOfPorts: Bool { errno == EADDRNOTAVAIL }
    package var isOutOfDescriptors: Bool { errno == EMFILE || errno == ENFILE }

    /// What could not be made where memory is short.
    package static func outOfMemory(_ operation: String) -> SystemError { SystemError(operation, errno: ENOMEM) }
}
