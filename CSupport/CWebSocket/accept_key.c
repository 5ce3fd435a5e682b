#include "CWebSocket.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

enum { KEY_BYTES = 24, GUID_BYTES = 36, SHA1_BYTES = 20, ACCEPT_BYTES = 28 };

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

static pthread_once_t prepared = PTHREAD_ONCE_INIT;
static int is_prepared;
static pthread_key_t contexts; // each thread's own, freed when it ends

static void free_context(void *context) { EVP_MD_CTX_free(context); }

static void prepare(void) { is_prepared = pthread_key_create(&contexts, free_context) == 0; }

// The calling thread's context, of SHA-1 for good. To fetch the digest takes the provider's locks and costs more than the digest itself; to make a
// context for each key costs half of it.
static EVP_MD_CTX *context_of_thread(void) {
    if (pthread_once(&prepared, prepare) != 0 || !is_prepared) return NULL;
    EVP_MD_CTX *context = pthread_getspecific(contexts);
    if (context != NULL) return context;
    context = EVP_MD_CTX_new();
    EVP_MD *sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    // The context keeps a reference of its own to the digest.
    int is_ready = context != NULL && sha1 != NULL && EVP_DigestInit_ex(context, sha1, NULL) == 1 && pthread_setspecific(contexts, context) == 0;
    EVP_MD_free(sha1);
    if (is_ready) return context;
    EVP_MD_CTX_free(context);
    return NULL;
}

int wsg_accept_key(const uint8_t key[24], uint8_t accept_out[28]) {
    unsigned char digest[SHA1_BYTES];
    unsigned char encoded[ACCEPT_BYTES + 1]; // EVP_EncodeBlock ends with a NUL

    EVP_MD_CTX *context = context_of_thread();
    // Begun anew each time, with the digest that it has: also behind a failure nothing of an earlier key is left in it.
    if (context == NULL || EVP_DigestInit_ex(context, NULL, NULL) != 1) return -1;
    if (EVP_DigestUpdate(context, key, KEY_BYTES) != 1 || EVP_DigestUpdate(context, guid, GUID_BYTES) != 1) return -1;
    if (EVP_DigestFinal_ex(context, digest, NULL) != 1) return -1;
    if (EVP_EncodeBlock(encoded, digest, SHA1_BYTES) != ACCEPT_BYTES) return -1;
    memcpy(accept_out, encoded, ACCEPT_BYTES);
    return 0;
}
