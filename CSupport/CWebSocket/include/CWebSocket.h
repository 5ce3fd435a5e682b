#pragma once

#include <stdint.h>

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 §4.2.2): Base64(SHA-1(key + GUID)).
/// Reads exactly 24 bytes and writes exactly 28; neither end is NUL-terminated. Thread-safe. 0 is success.
///
/// In C because SHA-1 is libcrypto's job, and a context for each thread is how it is prepared once without a Swift importer of OpenSSL here.
int wsg_accept_key(const uint8_t key[24], uint8_t accept_out[28]);
