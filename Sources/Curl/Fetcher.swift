internal import CCurl

/// Fetches one document after the other, and waits between them, on a thread of its owner's: both end at once when anybody calls ``wake()``.
///
/// Each fetch is a connection of its own, with its own look-up and its own handshake: whom we speak to is decided each time. Nothing of the environment
/// or the user's files has a say: no proxy, no .netrc, no cookies.
///
/// `@unchecked Sendable`: `fetch` and `wait` are called by one thread, and `wake` may be called meanwhile by any (curl_multi_wakeup is made for that).
@safe
package final class Fetcher: @unchecked Sendable {
    private let multi: UnsafeMutableRawPointer

    private static let hasBegun = wsg_curl_begin() == CURLE_OK

    /// - Throws: where there is no memory, or no descriptor.
    package init() throws(FetchFailure) {
        guard Self.hasBegun, let multi = unsafe curl_multi_init() else { throw FetchFailure(.broken, "libcurl cannot be used") }
        // Without a descriptor for it a wait could not be ended, and that is said here alone.
        guard unsafe curl_multi_wakeup(multi) == CURLM_OK else {
            _ = unsafe curl_multi_cleanup(multi)
            throw FetchFailure(.broken, "there is no descriptor to wake its thread by")
        }
        unsafe self.multi = unsafe multi
    }

    deinit { _ = unsafe curl_multi_cleanup(multi) }

    /// To be called once by the thread that fetches.
    package static func prepareThread() { _ = wsg_curl_block_sigpipe() }

    /// Ends the wait, or the look at whether a fetch is still wanted, of now; where there is neither, of next.
    package func wake() { _ = unsafe curl_multi_wakeup(multi) }

    /// At most a minute.
    package func wait(milliseconds: UInt64) {
        let code = unsafe curl_multi_poll(multi, nil, 0, Int32(min(milliseconds, 60_000)), nil)
        // Out of memory, say: whoever calls in a circle must not turn in it.
        if code != CURLM_OK { _ = poll(nil, 0, 1000) }
    }

    /// Nil when it was not wanted any more: `isWanted` is asked again and again, and at once after ``wake()``.
    package func fetch(_ request: FetchRequest, while isWanted: () -> Bool) -> Result<[UInt8], FetchFailure>? {
        let transfer: Transfer
        do throws(FetchFailure) { transfer = try Transfer(request) } catch { return .failure(error) }
        guard unsafe curl_multi_add_handle(multi, transfer.easy) == CURLM_OK else { return .failure(Self.defect) }
        defer { _ = unsafe curl_multi_remove_handle(multi, transfer.easy) }
        var running: Int32 = 0
        while true {
            guard unsafe curl_multi_perform(multi, &running) == CURLM_OK else { return .failure(Self.defect) }
            guard running > 0 else { return transfer.outcome(finish()) }
            guard isWanted() else { return nil }
            guard unsafe curl_multi_poll(multi, nil, 0, 1000, nil) == CURLM_OK else { return .failure(Self.defect) }
        }
    }

    /// How the one transfer ended.
    private func finish() -> CURLcode {
        var left: Int32 = 0
        while let message = unsafe curl_multi_info_read(multi, &left) {
            if unsafe message.pointee.msg == CURLMSG_DONE { return unsafe message.pointee.data.result }
        }
        return CURLE_FAILED_INIT
    }

    private static let defect = FetchFailure(.broken, "libcurl cannot go on")
}
