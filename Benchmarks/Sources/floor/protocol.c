#define _GNU_SOURCE
#include "floor.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <sys/resource.h>

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

// The value of the field `name` (": " included), up to the line's end.
static const char *field(const char *head, size_t bytes, const char *name, size_t *length) {
    const char *value = memmem(head, bytes, name, strlen(name));
    if (value == NULL) return NULL;
    value += strlen(name);
    const char *end = memchr(value, '\r', bytes - (size_t)(value - head));
    *length = end == NULL ? 0 : (size_t)(end - value);
    return value;
}

size_t frame_head(unsigned char *head, unsigned opcode, size_t payload_bytes) {
    head[0] = (unsigned char)(0x80 | opcode);
    if (payload_bytes < 126) {
        head[1] = (unsigned char)payload_bytes;
        return 2;
    }
    size_t wide = payload_bytes < 65536 ? 2 : 8;
    head[1] = wide == 2 ? 126 : 127;
    for (size_t i = 0; i < wide; i++) head[2 + i] = (unsigned char)(payload_bytes >> 8 * (wide - 1 - i));
    return 2 + wide;
}

static void accept_key(const char *key, size_t bytes, char accept[29]) {
    static EVP_MD *sha1;
    if (sha1 == NULL) sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    char input[60];
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (bytes != 24) bytes = 24; // the load tool's always are
    memcpy(input, key, bytes);
    memcpy(input + bytes, guid, sizeof guid - 1);
    EVP_Digest(input, sizeof input, digest, NULL, sha1, NULL);
    EVP_EncodeBlock((unsigned char *)accept, digest, 20);
}

// 101, and where clients watch a session, what they are told first.
static void upgrade(struct connection *client, const char *head, size_t bytes) {
    size_t key_bytes, path_bytes;
    const char *key = field(head, bytes, "Sec-WebSocket-Key: ", &key_bytes);
    const char *path = field(head, bytes, "GET ", &path_bytes);
    const char *path_end = path == NULL ? NULL : memchr(path, ' ', path_bytes);
    const char *slash = path_end == NULL ? NULL : memrchr(path, '/', (size_t)(path_end - path));
    if (key == NULL || slash == NULL || path_end - slash - 1 > SESSION_ID_BYTES_MAX) {
        close_connection(client);
        return;
    }
    char accept[29], text[512];
    accept_key(key, key_bytes, accept);
    int count = snprintf(
        text, sizeof text, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %.28s\r\n\r\n",
        accept);
    if (server.echoes) {
        client->kind = ECHO;
    } else {
        struct session *session = session_named(slash + 1, (size_t)(path_end - slash - 1));
        char greeting[256];
        int greeting_bytes = snprintf(
            greeting, sizeof greeting, "{\"type\":\"connected\",\"data\":{\"last_id\":\"floor00000000-%llu\"},\"timestamp\":\"2026-01-01T00:00:00.000000Z\"}",
            (unsigned long long)session->sequence);
        if (session->sequence == 0) {
            greeting_bytes = snprintf(
                greeting, sizeof greeting, "{\"type\":\"connected\",\"data\":{\"last_id\":null},\"timestamp\":\"2026-01-01T00:00:00.000000Z\"}");
        }
        count += (int)frame_head((unsigned char *)text + count, 1, (size_t)greeting_bytes);
        memcpy(text + count, greeting, (size_t)greeting_bytes);
        count += greeting_bytes;
        join(client, session);
    }
    send_all(client, text, (size_t)count);
}

static size_t receive_upgrade(struct connection *client, const char *bytes, size_t count) {
    const char *end = memmem(bytes, count, "\r\n\r\n", 4);
    if (end == NULL) return 0;
    size_t head = (size_t)(end - bytes) + 4;
    upgrade(client, bytes, head);
    return head;
}

static void metrics(struct connection *engine) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    char body[128];
    answer(engine, body, (size_t)snprintf(body, sizeof body, "process_cpu_seconds_total %.6f\n", seconds));
}

// POST /v1/sessions/ID/events with a Content-Length, or GET of anything: one request, 0 when it is not all there.
static size_t receive_request(struct connection *engine, const char *bytes, size_t count) {
    static const char publish_path[] = "POST /v1/sessions/";
    const char *end = memmem(bytes, count, "\r\n\r\n", 4);
    if (end == NULL) return 0;
    size_t head = (size_t)(end - bytes) + 4, length_bytes;
    if (memcmp(bytes, "GET ", 4) == 0) {
        metrics(engine);
        return head;
    }
    const char *length = field(bytes, head, "Content-Length: ", &length_bytes);
    size_t body = length == NULL ? 0 : strtoul(length, NULL, 10);
    if (head < sizeof publish_path || memcmp(bytes, publish_path, sizeof publish_path - 1) != 0 || body < 2) die("a request that is no publish");
    if (count - head < body) return 0;
    const char *id = bytes + sizeof publish_path - 1;
    const char *id_end = memchr(id, '/', head - (sizeof publish_path - 1));
    if (id_end == NULL || id_end - id > SESSION_ID_BYTES_MAX) die("a publish to no session");
    publish(session_named(id, (size_t)(id_end - id)), engine, bytes + head, body);
    return head + body;
}

// One masked frame of at most 64 KiB; 0 when it is not all there. Sent back unmasked where we echo.
static size_t receive_frame(struct connection *client, unsigned char *bytes, size_t count) {
    if (count < 6) return 0;
    size_t payload = bytes[1] & 0x7F, head = 6;
    if (payload == 126) {
        if (count < 8) return 0;
        payload = (size_t)bytes[2] << 8 | bytes[3];
        head = 8;
    } else if (payload == 127) {
        die("a frame of 64 KiB or more");
    }
    if (count - head < payload) return 0;
    unsigned opcode = bytes[0] & 0x0F;
    unsigned char *mask = bytes + head - 4, *start = bytes + head;
    for (size_t i = 0; i < payload; i++) start[i] ^= mask[i & 3];
    if (client->kind == ECHO || opcode == 8) {
        unsigned char *frame = start - (payload < 126 ? 2 : 4);
        frame_head(frame, opcode, payload);
        send_all(client, frame, (size_t)(start + payload - frame));
    }
    if (opcode == 8) close_connection(client);
    return head + payload;
}

size_t receive(struct connection *connection, char *bytes, size_t count) {
    size_t used = 0, more = 1;
    while (more > 0 && used < count && connection->kind != CLOSED) {
        switch (connection->kind) {
        case CLIENT: more = receive_upgrade(connection, bytes + used, count - used); break;
        case PUBLISHER: more = receive_request(connection, bytes + used, count - used); break;
        default: more = receive_frame(connection, (unsigned char *)bytes + used, count - used); break;
        }
        used += more;
    }
    return used;
}
