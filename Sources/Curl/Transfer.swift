internal import CCurl

/// One fetch under way: libcurl's handle with everything that it may and may not do, and what has come so far. Of one thread.
///
/// Flow: Fetcher → **Transfer** → document
@safe
final class Transfer {
    let easy: UnsafeMutableRawPointer
    private let bytesMax: Int
    private let words: UnsafeMutablePointer<CChar>
    private var headBytes = 0
    private var body: [UInt8] = []
    private var isTooLarge = false

    init(_ request: FetchRequest) throws(FetchFailure) {
        guard let easy = unsafe curl_easy_init() else { throw FetchFailure(.broken, "libcurl has no memory") }
        unsafe self.easy = unsafe easy
        bytesMax = request.bytesMax
        unsafe words = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe words.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        try set(request)
    }

    deinit {
        unsafe curl_easy_cleanup(easy)
        unsafe words.deallocate()
    }

    /// An option that this libcurl does not take ends the fetch: none of them is a wish.
    private func set(_ request: FetchRequest) throws(FetchFailure) {
        let texts: [(CURLoption, String)] = [
            (CURLOPT_URL, request.address.text), (CURLOPT_USERAGENT, request.agent),
            // Nothing, rather than what the environment says.
            (CURLOPT_PROXY, ""),
        ]
        let numbers: [(CURLoption, Int)] = [
            (CURLOPT_FOLLOWLOCATION, 0), (CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)),
            // Said although they are the defaults: the whole worth of a key set hangs on them. A session that is resumed shows no certificate.
            (CURLOPT_SSL_VERIFYPEER, 1), (CURLOPT_SSL_VERIFYHOST, 2), (CURLOPT_SSL_SESSIONID_CACHE, 0),
            (CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
            (CURLOPT_TIMEOUT_MS, request.timeoutMilliseconds), (CURLOPT_CONNECTTIMEOUT_MS, request.timeoutMilliseconds),
            (CURLOPT_MAXFILESIZE, request.bytesMax),
            (CURLOPT_FRESH_CONNECT, 1), (CURLOPT_FORBID_REUSE, 1), (CURLOPT_DNS_CACHE_TIMEOUT, 0),
            (CURLOPT_NOSIGNAL, 1), (CURLOPT_NETRC, 0), (CURLOPT_DISALLOW_USERNAME_IN_URL, 1),
        ]
        for (option, text) in texts { try check(unsafe wsg_curl_set_text(easy, option, text)) }
        for (option, number) in numbers { try check(unsafe wsg_curl_set_number(easy, option, number)) }
        try check(unsafe wsg_curl_allow_only(easy, request.address.isTLS ? 1 : 0))
        try check(unsafe wsg_curl_leave_look_ups(easy))
        if let authorities = request.authorities {
            try check(unsafe authorities.withUnsafeBytes { unsafe wsg_curl_trust_only(easy, $0.baseAddress, $0.count) })
        }
        try check(unsafe wsg_curl_set_error_buffer(easy, words))
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        try check(
            unsafe wsg_curl_receive_head(
                easy, { bytes, size, count, context in unsafe Transfer.of(context).takeHead(size &* count) ? count : 0 }, context))
        try check(
            unsafe wsg_curl_receive_body(
                easy,
                { bytes, size, count, context in
                    unsafe Transfer.of(context).takeBody(UnsafeRawBufferPointer(start: bytes, count: size &* count)) ? count : 0
                }, context))
    }

    private func check(_ code: CURLcode) throws(FetchFailure) {
        guard code == CURLE_OK else { throw FetchFailure(code, "") }
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> Transfer {
        unsafe Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue()
    }

    /// A head without end, of 100 Continue after 100 Continue for instance, is kept by nobody and costs the time-out all the same.
    private func takeHead(_ count: Int) -> Bool {
        guard count <= bytesMax - headBytes else {
            isTooLarge = true
            return false
        }
        headBytes += count
        return true
    }

    private func takeBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= bytesMax - body.count else {
            isTooLarge = true
            return false
        }
        unsafe body.append(contentsOf: bytes)
        return true
    }

    func outcome(_ code: CURLcode) -> Result<[UInt8], FetchFailure> {
        let status = unsafe wsg_curl_status(easy)
        if status >= 200, status != 200, code != CURLE_OPERATION_TIMEDOUT { return .failure(FetchFailure(.status, "HTTP \(status)")) }
        if isTooLarge || code == CURLE_FILESIZE_EXCEEDED { return .failure(FetchFailure(.tooLarge, "more than \(bytesMax) bytes")) }
        guard code == CURLE_OK else { return .failure(FetchFailure(code, unsafe String(cString: words))) }
        guard status == 200 else { return .failure(FetchFailure(.broken, "no status")) }
        return .success(body)
    }
}
