#pragma once
#include <curl/curl.h>
#include <poll.h>
#include <signal.h>

#if LIBCURL_VERSION_NUM < 0x074d00
#error "libcurl 7.77 or later is needed: before it no authorities could be given but as a file"
#endif

// Flags are macros of shifts, which Swift imports as one type in one version and as another in the next.
static inline CURLcode wsg_curl_begin(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }

// curl_easy_setopt is variadic, which Swift does not import. In parentheses: the macro of the same name wants an option that is a constant.
static inline CURLcode wsg_curl_set_number(CURL *easy, CURLoption option, long value) { return (curl_easy_setopt)(easy, option, value); }
static inline CURLcode wsg_curl_set_text(CURL *easy, CURLoption option, const char *text) { return (curl_easy_setopt)(easy, option, text); }
static inline CURLcode wsg_curl_set_error_buffer(CURL *easy, char *buffer) { return (curl_easy_setopt)(easy, CURLOPT_ERRORBUFFER, buffer); }

// Called with each line of the head, and each piece of the body. Returning another number than `count` ends the transfer.
typedef size_t (*wsg_curl_receiver)(char *bytes, size_t size, size_t count, void *context);
static inline CURLcode wsg_curl_receive_head(CURL *easy, wsg_curl_receiver receiver, void *context) {
    CURLcode code = (curl_easy_setopt)(easy, CURLOPT_HEADERFUNCTION, receiver);
    return code ? code : (curl_easy_setopt)(easy, CURLOPT_HEADERDATA, context);
}
static inline CURLcode wsg_curl_receive_body(CURL *easy, wsg_curl_receiver receiver, void *context) {
    CURLcode code = (curl_easy_setopt)(easy, CURLOPT_WRITEFUNCTION, receiver);
    return code ? code : (curl_easy_setopt)(easy, CURLOPT_WRITEDATA, context);
}

// One protocol and no other. The option that takes numbers is deprecated where the one that takes names exists.
static inline CURLcode wsg_curl_allow_only(CURL *easy, int tls) {
#if LIBCURL_VERSION_NUM >= 0x075500
    return (curl_easy_setopt)(easy, CURLOPT_PROTOCOLS_STR, tls ? "https" : "http");
#else
    return (curl_easy_setopt)(easy, CURLOPT_PROTOCOLS, (long)(tls ? CURLPROTO_HTTPS : CURLPROTO_HTTP));
#endif
}

// These authorities and no others: the system's are a file and a directory, and each would be trusted beside them. libcurl copies the bytes.
static inline CURLcode wsg_curl_trust_only(CURL *easy, const void *pem, size_t count) {
    struct curl_blob blob = {(void *)pem, count, CURL_BLOB_COPY};
    CURLcode code = (curl_easy_setopt)(easy, CURLOPT_CAINFO_BLOB, &blob);
    if (!code) code = (curl_easy_setopt)(easy, CURLOPT_CAINFO, (char *)0);
    return code ? code : (curl_easy_setopt)(easy, CURLOPT_CAPATH, (char *)0);
}

// A look-up that outlives its transfer ends by itself instead of being waited for, where libcurl can: its time-out is the resolver's, not ours.
static inline CURLcode wsg_curl_leave_look_ups(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075700
    return (curl_easy_setopt)(easy, CURLOPT_QUICK_EXIT, 1L);
#else
    (void)easy;
    return CURLE_OK;
#endif
}

// curl_easy_getinfo is variadic as well. The last status line's; 0 where none came.
static inline long wsg_curl_status(CURL *easy) {
    long status = 0;
    return (curl_easy_getinfo)(easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK ? status : 0;
}

// sigset_t's functions are macros here and there. Older libcurls write to a TLS peer that has gone without MSG_NOSIGNAL: the calling thread must not
// end the process by it.
static inline int wsg_curl_block_sigpipe(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    return pthread_sigmask(SIG_BLOCK, &signals, (sigset_t *)0);
}
