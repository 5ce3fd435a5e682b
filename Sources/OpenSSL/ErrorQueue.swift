internal import COpenSSL

/// OpenSSL's errors of this thread. A call that fails adds to them and none takes them away: they are cleared before each call whose result is asked
/// for, or an old error of another connection would answer for it.
enum ErrorQueue {
    struct Entry {
        let library: Int32
        let reason: Int32
        /// OpenSSL's own words: "wrong version number".
        let text: String
    }

    /// Nearly always there is none; looking is cheaper than clearing.
    static func clear() { if ERR_peek_error() != 0 { ERR_clear_error() } }

    /// The first error since the last clearing, which is the cause of the others; nil where OpenSSL gave none. Clears them.
    static func takeFirst() -> Entry? {
        let error = ERR_get_error()
        ERR_clear_error()
        guard error != 0 else { return nil }
        let text = unsafe ERR_reason_error_string(error).map { unsafe String(cString: $0) } ?? "error \(error)"
        return Entry(library: wsg_error_library(error), reason: wsg_error_reason(error), text: text)
    }
}
