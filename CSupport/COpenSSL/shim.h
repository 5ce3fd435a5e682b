#pragma once
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <time.h>

// These are macros over SSL_CTX_ctrl and SSL_ctrl, which Swift does not import.
static inline long wsg_tls_set_versions(SSL_CTX *context) {
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) && SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
}
static inline long wsg_tls_set_max_version(SSL_CTX *context, int version) { return SSL_CTX_set_max_proto_version(context, version); }
static inline long wsg_tls_release_buffers(SSL_CTX *context) { return SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS); }
static inline long wsg_tls_set_groups(SSL_CTX *context, const char *names) { return SSL_CTX_set1_groups_list(context, names); }
static inline long wsg_tls_cache_off(SSL_CTX *context) { return SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); }
static inline long wsg_tls_add_chain(SSL_CTX *context, X509 *certificate) { return SSL_CTX_add1_chain_cert(context, certificate); }
static inline long wsg_tls_set_server_name(SSL *session, const char *name) { return SSL_set_tlsext_host_name(session, name); }

// The options are macros of macros.
static inline void wsg_tls_set_options(SSL_CTX *context) {
    SSL_CTX_set_options(
        context,
        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
}

// The transport does TLS, as the kernel can; OpenSSL asks it (Sources/OpenSSL/TLSSession+Sealing.swift).
static inline void wsg_tls_hand_over_keys(SSL_CTX *context) { SSL_CTX_set_options(context, SSL_OP_ENABLE_KTLS); }

// Macros as well: what a BIO's read returns beside -1 when there is nothing to read yet.
static inline void wsg_bio_retry_read(BIO *bio) {
    BIO_clear_retry_flags(bio);
    BIO_set_retry_read(bio);
}
static inline void wsg_bio_no_retry(BIO *bio) { BIO_clear_retry_flags(bio); }

// ERR_GET_REASON and ERR_GET_LIB are functions in OpenSSL 3 and macros before it.
static inline int wsg_error_reason(unsigned long error) { return ERR_GET_REASON(error); }
static inline int wsg_error_library(unsigned long error) { return ERR_GET_LIB(error); }

// Seconds since 1970; struct tm and timegm are the system's C library's. INT64_MAX where the time says nothing.
static inline long long wsg_asn1_seconds(const ASN1_TIME *time) {
    struct tm parts;
    if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1) return 0x7fffffffffffffffLL;
    return (long long)timegm(&parts);
}
