internal import CSQLite

/// The system's words for the last call that failed.
enum SystemReason {
    static var current: String { unsafe String(cString: strerror(wsg_store_errno())) }
}
