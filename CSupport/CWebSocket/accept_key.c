#include "CWebSocket.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

enum { KEY_BYTES = 24, GUID_BYTES = 36, SHA1_BYTES = 20, ACCEPT_BYTES = 28 };

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

static pthread_once_t fetched = PTHREAD_ONCE_INIT;
static EVP_MD *sha1; // lives as long as the process

// A fetch takes the provider's locks and costs more than the digest itself: once is enough.
static void fetch_sha1(void) { sha1 = EVP_MD_fetch(NULL, "SHA1", NULL); }

int wsg_accept_key(const uint8_t key[24], uint8_t accept_out[28]) {
    unsigned char input[KEY_BYTES + GUID_BYTES];
    unsigned char digest[SHA1_BYTES];
    unsigned char encoded[ACCEPT_BYTES + 1]; // EVP_EncodeBlock ends with a NUL

    if (pthread_once(&fetched, fetch_sha1) != 0 || sha1 == NULL) return -1;
    memcpy(input, key, KEY_BYTES);
    memcpy(input + KEY_BYTES, guid, GUID_BYTES);
    if (EVP_Digest(input, sizeof input, digest, NULL, sha1, NULL) != 1) return -1;
    if (EVP_EncodeBlock(encoded, digest, SHA1_BYTES) != ACCEPT_BYTES) return -1;
    memcpy(accept_out, encoded, ACCEPT_BYTES);
    return 0;
}
